// Warm pools beside their peers, in one run. Prints tables and writes bench/results/pool.json.
// Usage: npm run bench:pool [-- quick]   (before: npx tsc -b packages/pool; cd bench && npm install)
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "./figures.js";
import { benchHandOver } from "./handover.js";
import { benchRing } from "./ring.js";
import { benchTasks } from "./tasks-bench.js";

// Node 20 parses extra certificates at every start, which would be most of what is measured.
delete process.env.NODE_EXTRA_CA_CERTS;
const quick = process.argv.includes("quick");
const loadBefore = loadavg()[0];

const handOver = [];
for (const placement of ["thread", "process"])
  handOver.push(await benchHandOver(placement, quick ? { singles: 8, bursts: 3 } : { singles: 30, bursts: 10 }));
const ring = await benchRing({ rounds: quick ? 3 : 7, frames: 400_000 });
const rack = liveRack(quick ? 10 : 60);
const tasks = [];
for (const placement of ["threads", "processes"])
  tasks.push(...(await benchTasks(placement, quick ? { rounds: 3, roundMs: 200 } : { rounds: 7, roundMs: 400 })));
const python = spawnSync("python3", [fileURLToPath(new URL("forkserver.py", import.meta.url))], { encoding: "utf8" });
const forkserverMs = python.status === 0 ? Number(median(JSON.parse(python.stdout)).toFixed(2)) : null;

const versions = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).dependencies;
const result = {
  date: new Date().toISOString(),
  machine: {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    loadBefore,
    loadAfter: loadavg()[0],
  },
  node: process.version,
  peers: versions,
  quick,
  handOver,
  pythonForkserverMs: forkserverMs,
  ring,
  rack,
  tasks,
};
mkdirSync(new URL("../results/", import.meta.url), { recursive: true });
writeFileSync(new URL("../results/pool.json", import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
console.log("\nExclusive hand-over, until a newly imported module has replied (ms); spares hold TypeScript");
console.table(
  handOver.map(({ placement, single, whileRefilling, burstOf8Last, ...rest }) => ({
    placement,
    "single p50": single.p50Ms,
    "single p99": single.p99Ms,
    "refilling p50": whileRefilling.p50Ms,
    "refilling p99": whileRefilling.p99Ms,
    "burst of 8, last, p50": burstOf8Last.p50Ms,
    ...rest,
  })),
);
console.log(`Python forkserver with preload: ${forkserverMs ?? "no python3"} ms`);
console.log("\nRing of 1 KB frames between two threads");
console.table([ring]);
console.log("\nLive rack: eight modules on a tick of 5.8 ms, one added and removed each second, one crash");
console.table([rack]);
console.log("\nShared tasks, 4 workers, 64 in flight");
console.table(tasks.map((row) => ({ ...row, perSecondSpread: row.perSecondSpread.join("–") })));
console.log(
  `load average ${loadBefore?.toFixed(1)} before, ${loadavg()[0]?.toFixed(1)} after: compare within this run only`,
);
process.exit(0);

/** The example, as it is: what its real-time half reports. */
function liveRack(seconds) {
  const folder = mkdtempSync(join(tmpdir(), "bench-rack-"));
  try {
    const main = fileURLToPath(new URL("../../examples/live-rack/main.js", import.meta.url));
    const run = spawnSync(process.execPath, [main, String(seconds), join(folder, "rack.wav")], { encoding: "utf8" });
    if (run.status !== 0) throw new Error(`the live rack failed: ${run.stderr}`);
    return { seconds, ...JSON.parse(run.stdout.trim().split("\n").at(-1)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
