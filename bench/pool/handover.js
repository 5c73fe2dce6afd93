// Exclusive hand-over: from `lease` until user code of a newly imported module has replied.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { createPool } from "../../packages/pool/dist/index.js";
import { quantile } from "./figures.js";

const typescript = createRequire(import.meta.url).resolve("typescript");

/** Rows for one placement: single hand-overs, bursts of 8 of 8 spares, hand-overs while a refill is on its way. */
export async function benchHandOver(placement, { singles, bursts }) {
  const directory = mkdtempSync(join(tmpdir(), "bench-pool-"));
  let files = 0;
  const newModule = () => {
    const path = join(directory, `m${(files += 1)}.mjs`);
    const body = Array.from(
      { length: 60 },
      (_, index) => `export const f${index} = (x) => x * ${index} + Math.sin(x);`,
    );
    writeFileSync(path, `${body.join("\n")}\nexport default (channel, x) => f1(x) + ${files};\n`);
    return pathToFileURL(path).href;
  };
  const startMs = performance.now();
  const pool = createPool({
    module: new URL("tasks.js", import.meta.url),
    placement,
    workers: 0,
    spares: 8,
    preload: [typescript],
    total: 40,
  });
  try {
    await pool.ready();
    const allWarmMs = performance.now() - startMs;
    const memoryBytes = Math.max(...pool.snapshot()[0].workers.map((worker) => worker.memoryBytes));
    const idleCpu = await idleShare(1500);
    const take = async () => {
      const url = newModule();
      const askedMs = performance.now();
      const lease = await pool.lease({ whenGone: "reject" });
      await lease.load(url, 2);
      return { lease, tookMs: performance.now() - askedMs };
    };
    const full = async () => {
      const untilMs = performance.now() + 60_000;
      while (pool.snapshot()[0].spares.idle < 8) {
        if (performance.now() > untilMs)
          throw new Error(`no 8 spares in 60 s: ${JSON.stringify(pool.snapshot()[0].spares)}`);
        await sleep(20);
      }
    };
    const single = [];
    const refilling = [];
    for (let round = 0; round < singles; round += 1) {
      await full();
      const one = await take();
      single.push(one.tookMs);
      // Its refill begins after 50 ms of quiet: this one comes into the middle of it.
      await sleep(90);
      const other = await take();
      refilling.push(other.tookMs);
      await Promise.all([one.lease.recycle(), other.lease.recycle()]);
    }
    const lasts = [];
    for (let round = 0; round < bursts; round += 1) {
      await full();
      const taken = await Promise.all(Array.from({ length: 8 }, take));
      lasts.push(Math.max(...taken.map((one) => one.tookMs)));
      await Promise.all(taken.map((one) => one.lease.recycle()));
    }
    const row = (values) => ({
      p50Ms: Number(quantile(values, 0.5).toFixed(2)),
      p99Ms: Number(quantile(values, 0.99).toFixed(2)),
      minMs: Number(Math.min(...values).toFixed(2)),
      count: values.length,
    });
    return {
      placement,
      single: row(single),
      whileRefilling: row(refilling),
      burstOf8Last: row(lasts),
      allWarmMs: Math.round(allWarmMs),
      spareMegabytes: Math.round(memoryBytes / 1e6),
      parentIdleCpuPercent: idleCpu,
    };
  } finally {
    await pool.close();
    rmSync(directory, { recursive: true });
  }
}

/** What an idle pool costs its parent's main thread; worker threads count too, as they are in the same process. */
async function idleShare(ms) {
  const before = process.cpuUsage();
  await sleep(ms);
  const { user, system } = process.cpuUsage(before);
  return Number(((user + system) / 10 / ms).toFixed(2));
}
