// How long until an isolated program runs its first instruction: this package against what else is there, in one run,
// interleaved. usage: node bench/instances/launch.js [rounds] [pauseMs]; needs gcc, and root for the isolated variants.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync, chmodSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { ours } from "./launch/ours.js";
import { peers } from "./launch/peers.js";
import { buildFirstInstruction } from "./launch/program.js";
import { summary } from "./launch/statistics.js";

const rounds = Number(process.argv[2] ?? 60);
const pauseMs = Number(process.argv[3] ?? 5);
const root = process.getuid() === 0;

// In a network namespace of our own: wires are made and removed here.
if (root && process.env.CONSTELLATION_BENCH_INSIDE !== "1") {
  const { status } = spawnSync("unshare", ["-n", process.execPath, ...process.argv.slice(1)], {
    stdio: "inherit",
    env: { PATH: process.env.PATH, CONSTELLATION_BENCH_INSIDE: "1" },
  });
  process.exit(status ?? 1);
}

const folder = mkdtempSync("/var/tmp/constellation-bench-");
chmodSync(folder, 0o755);
const program = buildFirstInstruction(folder);
const controllers = ["memory", "cpu", "pids", "blkio", "freezer"].map((name) => `/sys/fs/cgroup/${name}`);
const groups = root ? controllers.map((path) => `${path}/constellation-bench-${process.pid}`) : [];
const made = groups.filter((path) => {
  try {
    mkdirSync(path);
    return true;
  } catch {
    return false; // another hierarchy: the comparison runs without groups, and says so
  }
});
const cgroups = made.map((path) => ({ kind: "tasks", path: `${path}/tasks`, controllers: [] }));

const own = await ours(folder, program, cgroups);
const others = peers(folder, program);
const variants = {
  ...others.variants,
  ...Object.fromEntries(Object.entries(own.variants).map(([name, run]) => [name, { run, every: 1 }])),
};
const results = {};
const failures = {};
for (let round = -3; round < rounds; round++) {
  for (const [name, { run, every }] of Object.entries(variants)) {
    if (failures[name] !== undefined || (round >= 0 && round % every !== 0)) continue;
    try {
      const measured = await run();
      if (round >= 0) (results[name] ??= []).push(measured);
    } catch (error) {
      failures[name] = error.message;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
await own.spawner.close();
for (const path of made) rmdirSync(path);
rmSync(folder, { recursive: true });

const bare = summary(results["bare spawn"].map(({ first }) => first)).median;
const table = Object.entries(results).map(([name, list]) => {
  const first = summary(list.map((each) => each.first));
  return {
    name,
    first,
    timesBare: Math.round((first.median / bare) * 100) / 100,
    exit: summary(list.map((each) => each.exit)),
  };
});
console.log(`first instruction in ms, ${rounds} rounds, ${cgroups.length} cgroup controllers joined`);
console.log("variant".padEnd(44), "median", "  p95", "  min", "× bare", "exit seen");
for (const { name, first, timesBare, exit } of table)
  console.log(
    name.padEnd(44),
    first.median.toFixed(2).padStart(6),
    first.p95.toFixed(2).padStart(6),
    first.min.toFixed(2).padStart(6),
    String(timesBare).padStart(6),
    exit.median.toFixed(2).padStart(9),
  );
for (const [name, why] of Object.entries(failures)) console.log(`${name}: not measured: ${why}`);
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem(), kernel: release() };
const output = fileURLToPath(new URL("../results/launch.json", import.meta.url));
writeFileSync(
  output,
  `${JSON.stringify({ date: new Date().toISOString(), machine, versions: others.versions, rounds, cgroups: cgroups.length, table, failures }, null, 2)}\n`,
);
