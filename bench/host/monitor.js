// What it costs to look at instances: our monitor against pidusage and against plain reads by path, in one run.
// Usage: node bench/host/monitor.js [instances=1000] [seconds=10]   (build first: npx tsc -b packages/host; cd bench && npm install)
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, getPriority, loadavg, release, totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createCgroup,
  findByEnvironment,
  identifyProcess,
  listListeners,
  openCgroupBase,
  openHostGauge,
  openMemoryGauge,
  openMonitor,
  processTree,
  removeCgroupBase,
  Sampler,
} from "../../packages/host/dist/index.js";

const instances = Number(process.argv[2] ?? 1000);
const seconds = Number(process.argv[3] ?? 10);
const pidusage = createRequire(import.meta.url)("pidusage");
const rounds = 41;

const outcome = openCgroupBase({ name: `bench-monitor-${process.pid}` });
if (outcome.kind !== "ready") throw new Error(`needs control groups: ${outcome.missing}; ${outcome.remedy}`);
const groups = [];
const children = [];
const rows = [];

try {
  const createUs = [];
  for (let index = 0; index < instances; index++) {
    const startedAt = performance.now();
    const created = createCgroup(outcome.base, `i${index}`, {
      cpuCores: 0.5,
      memoryBytes: 256e6 - (256e6 % 4096),
      pidsMax: 64,
    });
    createUs.push((performance.now() - startedAt) * 1000);
    if (created.kind !== "created") throw new Error(JSON.stringify(created));
    groups.push(created.cgroup);
    // One in ten lives in a network namespace of its own, so that its network table is read too.
    children.push(startIn(created.cgroup, index % 10 === 0));
  }
  await Promise.all(children.map((child) => new Promise((resolve) => child.stdout.once("data", resolve))));
  rows.push(rowOf("control group made, 3 limits set and read back", createUs, "µs"));

  const monitor = openMonitor();
  const targets = children.map((child, index) => ({ process: identifyProcess(child.pid), cgroup: groups[index] }));
  const apart = monitor.watch(targets[0]);
  const together = monitor.watch(targets[1]);
  await measure("full check: CPU, memory, peak, tasks, threads, fds, I/O, OOM", () => together.sample(), 200);
  await measure("full check with network", () => apart.sample(), 200);
  await measure("check in turns, as the sampler does", () => together.sampleInTurn(), 200);
  await measure("check in turns with network", () => apart.sampleInTurn(), 200);
  const each = targets.map((target) => monitor.watch(target));
  await measure(
    `full check of each of ${instances}, one after the other`,
    () => lookAtAll(each, "sample"),
    1,
    instances,
  );
  await measure(`check in turns of each of ${instances}`, () => lookAtAll(each, "sampleInTurn"), 1, instances);
  for (const watch of each) watch.close();
  await measure(
    "the same files opened by path each time (readFileSync)",
    () => readByPath(children[1].pid, groups[1]),
    100,
  );
  await measure("pidusage, one process (CPU and memory only)", () => pidusage(children[1].pid), 20);
  await measure(
    "pidusage, 100 processes, per process",
    () => pidusage(children.slice(0, 100).map((child) => child.pid)),
    1,
    100,
  );
  await measure("process tree of an instance", () => processTree(children[1].pid), 50);
  const memory = openMemoryGauge();
  const host = openHostGauge();
  await measure("memory gauge: machine and all groups above us", () => memory.read(), 100);
  await measure("host gauge: CPU, memory, stalls, load", () => host.read(), 100);
  await measure(
    `marker sweep over ${instances} processes and more`,
    () => findByEnvironment({ name: "NOBODY_HAS_THIS", value: "1" }),
    1,
  );
  await measure("listening ports with owners", () => listListeners(), 1);
  memory.close();
  host.close();
  apart.close();
  together.close();

  const sampler = new Sampler(monitor, { onSample() {}, onGone() {} });
  for (const [index, target] of targets.entries()) sampler.add(String(index), target);
  await sampling(sampler, "at rest");
  const held = await heldLoop(seconds);
  children.push(...groups.map(wakeIn));
  await sleep(3000);
  await sampling(sampler, "that run between looks");
  sampler.close();
  const free = await heldLoop(seconds);
  rows.push(single("event loop late, p99, sampling / not sampling", held, `ms / ${round(free)} ms`));
} finally {
  for (const group of groups) await group.kill();
  for (const group of groups) await group.remove();
  removeCgroupBase(outcome.base);
}

print();
mkdirSync(new URL("../results/", import.meta.url), { recursive: true });
const result = {
  name: "host-monitor",
  at: new Date().toISOString(),
  machine: {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    loadAverage: loadavg(),
    niceness: getPriority(),
  },
  versions: { node: process.version, pidusage: createRequire(import.meta.url)("pidusage/package.json").version },
  rows,
};
writeFileSync(new URL("../results/host-monitor.json", import.meta.url), `${JSON.stringify(result, null, 2)}\n`);

function startIn(group, apart) {
  const run = "echo up; exec sleep 600";
  const script = `${joining(group)}\n${apart ? `exec unshare --net sh -c '${run}'` : run}`;
  return spawn("sh", ["-c", script], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
}

/** One more process in the group that runs twice a second, as nearly everything but a `sleep` does, until we end. */
function wakeIn(group) {
  const run = "while read -t 0.5 -r line; [ $? -gt 128 ]; do :; done";
  return spawn("sh", ["-c", `${joining(group)}\nexec bash -c '${run}'`], { stdio: ["pipe", "ignore", "inherit"] });
}

function joining(group) {
  return group.joinTargets
    .map((each) => `echo 0 > ${each.path}${each.kind === "tasks" ? "" : "/cgroup.procs"}`)
    .join("\n");
}

async function sampling(sampler, which) {
  // What was begun before is over, and rests are noticed after a whole round of looks.
  await sleep(12_000);
  const before = { samples: sampler.state.samples, atMs: performance.now(), cpu: process.cpuUsage() };
  await sleep(seconds * 1000);
  const used = process.cpuUsage(before.cpu);
  const elapsedMs = performance.now() - before.atMs;
  const taken = sampler.state.samples - before.samples;
  const usedUs = used.user + used.system;
  const at = `${instances} instances ${which}, ${Math.round((taken * 1000) / elapsedMs)} samples/s`;
  rows.push(single(`sampler, ${at}: share of one core`, usedUs / (elapsedMs * 10), "%"));
  rows.push(single(`sampler, ${at}: CPU for each sample`, usedUs / taken, "µs"));
  rows.push(single(`sampler, instances ${which}: period in force`, sampler.state.periodMs, "ms"));
}

function lookAtAll(watches, how) {
  for (const watch of watches) watch[how]();
}

function readByPath(pid, group) {
  const { location } = group;
  const files =
    location.version === 1
      ? [
          `${location.directories.cpuacct}/cpuacct.usage`,
          `${location.directories.memory}/memory.usage_in_bytes`,
          `${location.directories.memory}/memory.max_usage_in_bytes`,
          `${location.directories.memory}/memory.oom_control`,
          `${location.directories.pids}/pids.current`,
          `${location.directories.blkio}/blkio.throttle.io_service_bytes_recursive`,
        ]
      : ["cpu.stat", "memory.current", "memory.peak", "memory.events", "pids.current", "io.stat"].map(
          (name) => `${location.directory}/${name}`,
        );
  for (const path of [...files, `/proc/${pid}/stat`, `/proc/${pid}/io`]) readFileSync(path, "latin1");
}

async function measure(name, look, times, per = 1) {
  for (let warm = 0; warm < 3; warm++) await look();
  const us = [];
  const idle = process.cpuUsage();
  for (let index = 0; index < rounds; index++) {
    const startedAt = performance.now();
    for (let time = 0; time < times; time++) {
      const answer = look();
      if (answer instanceof Promise) await answer;
    }
    us.push(((performance.now() - startedAt) * 1000) / times / per);
  }
  // CPU of all threads: an asynchronous read also works in Node's thread pool.
  const used = process.cpuUsage(idle);
  rows.push({ ...rowOf(name, us, "µs"), cpu: round((used.user + used.system) / rounds / times / per) });
}

/** How late a timer of 1 ms is, p99. */
async function heldLoop(forSeconds) {
  const late = [];
  let last = performance.now();
  const heartbeat = setInterval(() => {
    const now = performance.now();
    late.push(Math.max(0, now - last - 1));
    last = now;
  }, 1);
  await sleep(forSeconds * 1000);
  clearInterval(heartbeat);
  late.sort((a, b) => a - b);
  return late[Math.floor(late.length * 0.99)] ?? 0;
}

function single(name, value, unit) {
  return { name, median: round(value), p95: null, min: null, unit };
}

function rowOf(name, values, unit) {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    name,
    median: round(sorted[Math.floor(sorted.length / 2)]),
    p95: round(sorted[Math.floor(sorted.length * 0.95)]),
    min: round(sorted[0]),
    unit,
  };
}

function round(value) {
  return Number(value.toFixed(value < 10 ? 2 : 1));
}

function print() {
  console.log("| what | median | p95 | min | CPU of all threads |\n|---|---|---|---|---|");
  for (const { name, median, p95, min, unit, cpu } of rows)
    console.log(`| ${name} | ${median} ${unit} | ${p95 ?? ""} | ${min ?? ""} | ${cpu ?? ""} |`);
}
