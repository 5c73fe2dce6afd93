// How long one worker takes until TypeScript is ready in it, and what it then holds: plain, with V8's compile cache, from
// a startup snapshot. Run by itself it prints its rows as JSON: so pool.js runs it under other lines of Node too.
import { mkdtempSync, rmSync } from "node:fs";
import * as nodeModule from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { createPool } from "../../packages/pool/dist/index.js";
import { median } from "./figures.js";

const module = new URL("tasks.js", import.meta.url);
const typescript = nodeModule.createRequire(import.meta.url).resolve("typescript");

export async function benchWarmStart({ rounds }) {
  const directory = mkdtempSync(join(tmpdir(), "bench-warm-"));
  const bundle = join(directory, "typescript.cjs");
  buildSync({
    stdin: { contents: `globalThis.ts = require(${JSON.stringify(typescript)});`, resolveDir: directory },
    bundle: true,
    platform: "node",
    outfile: bundle,
    logLevel: "error",
  });
  const cache = "enableCompileCache" in nodeModule ? { compileCache: join(directory, "cache") } : null;
  const ways = [
    ["thread", "plain", { preload: [typescript] }],
    ["thread", "compile cache", cache && { preload: [typescript], ...cache }],
    ["thread", "snapshot", null],
    ["process", "plain", { preload: [typescript] }],
    ["process", "compile cache", cache && { preload: [typescript], ...cache }],
    ["process", "snapshot", { process: { snapshot: bundle } }],
    ["thread", "nothing preloaded", {}],
    ["process", "nothing preloaded", {}],
  ];
  try {
    const rows = [];
    for (const [placement, way, options] of ways) {
      if (options === null) {
        const why = way === "snapshot" ? "threads cannot start from one" : "not in this Node";
        rows.push({ node: process.version, placement, way, warmMs: null, why });
        continue;
      }
      const tookMs = [];
      const bytes = [];
      // The first one fills the cache, or builds the snapshot.
      for (let round = 0; round <= rounds; round += 1) {
        let took = 0;
        const onEvent = (event) => event.kind === "worker-warm" && (took = event.tookMs);
        const pool = createPool({ module, placement, workers: 0, spares: 1, onEvent, ...options });
        await pool.ready();
        if (round > 0) tookMs.push(took);
        if (round > 0) bytes.push(pool.snapshot()[0].workers[0].memoryBytes);
        await pool.close();
      }
      const megabytes = Number((median(bytes) / 1e6).toFixed(1));
      rows.push({ node: process.version, placement, way, warmMs: Math.round(median(tookMs)), megabytes });
    }
    return rows;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(JSON.stringify(await benchWarmStart({ rounds: 5 })));
  process.exit(0);
}
