// Warm pools beside their peers, in one run. Prints tables and writes bench/results/pool.json.
// Usage: npm run bench:pool [-- quick] [part…]   (before: npx tsc -b packages/pool; cd bench && npm install)
// Parts: handover cold warm ring rack orphans tasks; the others keep their figures of the last run, each with its date.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { benchCold } from "./cold.js";
import { benchHandOver } from "./handover.js";
import { benchOrphans } from "./orphans.js";
import { benchRing } from "./ring.js";
import { benchTasks } from "./tasks-bench.js";
import { writeTables } from "./tables.js";
import { benchWarmStart } from "./warm-start.js";

// Node 20 parses extra certificates at every start, which would be most of what is measured.
delete process.env.NODE_EXTRA_CA_CERTS;
const quick = process.argv.includes("quick");
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const parts = {
  async handover() {
    const rows = [];
    for (const placement of ["thread", "process"])
      rows.push(await benchHandOver(placement, quick ? { singles: 8, bursts: 3 } : { singles: 20, bursts: 8 }));
    return rows;
  },
  cold: () => benchCold({ rounds: quick ? 3 : 9 }),
  async warm() {
    const rows = await benchWarmStart({ rounds: quick ? 2 : 5 });
    return [...rows, ...otherNodes().flatMap((node) => JSON.parse(run(node, [here("warm-start.js")], 120)))];
  },
  ring: () => benchRing({ rounds: quick ? 3 : 5, frames: 400_000 }),
  rack: async () => [await liveRack(quick ? 10 : 60), await crowded(() => liveRack(quick ? 10 : 20))],
  orphans: () => benchOrphans({ rounds: quick ? 4 : 10 }),
  async tasks() {
    const rows = [];
    for (const placement of ["threads", "processes"])
      rows.push(...(await benchTasks(placement, quick ? { rounds: 3, roundMs: 200 } : { rounds: 5, roundMs: 400 })));
    return rows;
  },
};

const titles = {
  handover: "Exclusive hand-over, until a newly imported module has replied; spares hold TypeScript",
  cold: "The same without a pool, with TypeScript; Python's modules are smaller",
  warm: "One worker, until TypeScript is ready in it",
  ring: "Ring of 1 KB frames between two threads",
  rack: "Live rack: eight modules on a tick of 5.8 ms, one added and removed each second, one crash; then with no core free",
  orphans: "Workers gone after SIGKILL of their parent",
  tasks: "Shared tasks, 4 workers, 64 in flight; round trips one at a time",
};

const wanted = process.argv.slice(2).filter((name) => name in parts);
const file = here("../results/pool.json");
const about = {
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem(), kernel: release() },
  node: process.version,
  peers: JSON.parse(readFileSync(here("../package.json"), "utf8")).dependencies,
};
for (const [name, measure] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const loadBefore = loadavg()[0];
  const figures = await measure();
  const part = {
    date: new Date().toISOString(),
    quick,
    loadBefore,
    loadAfter: loadavg()[0],
    ...(isRealTime() ? { scheduling: "SCHED_FIFO" } : {}),
    figures,
  };
  // Written at once, as what comes later may fail; read anew, as others may have measured another part meanwhile.
  mkdirSync(here("../results/"), { recursive: true });
  const kept = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).parts : {};
  writeFileSync(file, `${JSON.stringify({ ...about, parts: { ...kept, [name]: part } }, null, 2)}\n`);
  print(name, part);
}
writeTables();
process.exit(0);

function print(name, { figures, loadBefore, loadAfter }) {
  console.log(`\n${titles[name]} (load average ${loadBefore?.toFixed(1)} before, ${loadAfter?.toFixed(1)} after)`);
  console.table([figures].flat().map(flat));
}

/** One level of columns; what is deeper is joined. */
function flat(row) {
  const columns = Object.entries(row).flatMap(([name, value]) =>
    value === null || typeof value !== "object"
      ? [[name, value]]
      : Array.isArray(value)
        ? [[name, value.join("–")]]
        : Object.entries(value).map(([inner, deep]) => [`${name} ${inner}`, deep]),
  );
  return Object.fromEntries(columns);
}

/** Whether somebody runs this before all others, by `chrt -f 10 npm run bench:pool ring`: on a machine that is never quiet. */
function isRealTime() {
  try {
    // proc(5): the 41st field is the policy, the name before the third is in brackets; 1 is SCHED_FIFO.
    return readFileSync("/proc/self/stat", "utf8").split(") ").at(-1).split(" ")[38] === "1";
  } catch {
    return false;
  }
}

/** The other lines of Node that `npm run test:matrix` has installed. */
function otherNodes() {
  return ["22", "24"]
    .map((line) => here(`../../node_modules/.cache/node/${line}/node_modules/node/bin/node`))
    .filter((path) => existsSync(path));
}

/** The example, as it is: what its real-time half reports. */
function liveRack(seconds) {
  const folder = mkdtempSync(join(tmpdir(), "bench-rack-"));
  try {
    const main = here("../../examples/live-rack/main.js");
    const text = run(process.execPath, [main, String(seconds), join(folder, "rack.wav")], seconds + 60);
    return { seconds, ...JSON.parse(text.trim().split("\n").at(-1)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Does it beside a program that computes on each core. */
async function crowded(work) {
  const hogs = cpus().map(() => spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }));
  try {
    return await work();
  } finally {
    for (const hog of hogs) hog.kill("SIGKILL");
  }
}

function run(program, argv, timeoutSeconds) {
  const { status, stdout, stderr, error } = spawnSync(program, argv, {
    encoding: "utf8",
    timeout: timeoutSeconds * 1000,
  });
  if (status === 0) return stdout;
  throw new Error(`${argv.join(" ")} ended with ${status}: ${error?.message ?? stderr}`);
}
