// Everything about cgroup v2 that cannot be tried on a machine with v1, on a real kernel.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import * as host from "./host/index.js";
import { check, runChecks } from "./check.js";

const top = "/sys/fs/cgroup";
let base;
let serial = 0;

function create(limits = {}) {
  const created = host.createCgroup(base, `t${serial++}`, limits);
  assert.equal(created.kind, "created", JSON.stringify(created));
  return created.cgroup;
}

/** Starts a shell in the group; answers once it has printed a line. */
async function startIn(group, script) {
  const child = spawn("sh", ["-c", `echo $$ > ${group.location.directory}/cgroup.procs\n${script}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  child.lines = "";
  child.stdout.on("data", (chunk) => (child.lines += chunk));
  await once(child.stdout, "data");
  return child;
}

async function finish(group) {
  assert.equal((await group.kill({ timeoutMs: 20_000 })).kind, "empty");
  assert.deepEqual(await group.remove({ timeoutMs: 20_000 }), { kind: "removed" });
}

async function eventually(what, isTrue, timeoutMs = 20_000) {
  for (const endsAt = performance.now() + timeoutMs; performance.now() < endsAt; await sleep(20)) if (isTrue()) return;
  throw new Error(`not within ${timeoutMs} ms: ${what}`);
}

check("the layout is v2 and this process is at its top", () => {
  const layout = host.detectCgroups();
  assert.equal(layout.kind, "v2");
  assert.equal(layout.unified.ownDirectory, top);
  return `controllers ${layout.controllers.join(" ")}`;
});

check("a base at the top has its controllers enabled", () => {
  const outcome = host.openCgroupBase({ name: "constellation" });
  assert.equal(outcome.kind, "ready", JSON.stringify(outcome));
  base = outcome.base;
  for (const controller of ["cpu", "memory", "pids", "io"])
    assert.ok(base.controllers.includes(controller), `${controller} in ${base.controllers}`);
  return base.directory;
});

check("opening the base again finds the same one", () => {
  assert.deepEqual(host.openCgroupBase({ name: "constellation" }), { kind: "ready", base });
});

check("limits are written, read back and changed while it runs", async () => {
  const group = create({
    cpuCores: 0.5,
    cpuWeight: 250,
    memoryBytes: 64 * 1024 * 1024,
    pidsMax: 12,
    io: [{ device: "254:0", writeBytesPerSecond: 4_000_000, readOpsPerSecond: 100 }],
  });
  const text = (file) => readFileSync(`${group.location.directory}/${file}`, "latin1").trim();
  assert.equal(text("cpu.max"), "50000 100000");
  assert.equal(text("cpu.weight"), "250");
  assert.equal(text("memory.max"), String(64 * 1024 * 1024));
  assert.equal(text("memory.swap.max"), "0");
  assert.equal(text("pids.max"), "12");
  assert.match(text("io.max"), /^\d+:0 rbps=max wbps=4000000 riops=100 wiops=max$/);
  assert.deepEqual(
    group.setLimits({
      cpuCores: "max",
      memoryBytes: "max",
      pidsMax: "max",
      io: [{ device: "254:0", writeBytesPerSecond: "max", readOpsPerSecond: "max" }],
    }),
    { kind: "enforced" },
  );
  assert.equal(text("memory.max"), "max");
  assert.equal(text("io.max"), "");
  await finish(group);
});

check("a process in it is counted, listed and watched", async () => {
  const group = create({ pidsMax: 20 });
  const child = await startIn(group, "echo up; sleep 600 & sleep 600 & wait");
  await eventually("three processes", () => group.processes().length === 3);
  assert.equal(group.isPopulated(), true);
  const counters = group.counters();
  assert.ok(counters.cpuTimeUs > 0 && counters.memoryCurrentBytes > 0, JSON.stringify(counters));
  assert.equal(counters.pidsCurrent, 3);
  const identity = host.identifyProcess(child.pid);
  const watch = host.openMonitor().watch({ process: identity, cgroup: group });
  const sample = watch.sample();
  assert.equal(sample.cpuSource, "cgroup");
  assert.equal(sample.tasks, 3);
  assert.equal(
    sample.fds,
    readdirSync(`/proc/${child.pid}/fd`).length,
    "descriptors are counted on kernels before 6.2 too",
  );
  assert.equal(sample.oomKills, 0);
  await finish(group);
  assert.equal(watch.sample(), undefined);
  watch.close();
  return JSON.stringify(sample);
});

check("memory: the kernel kills at the bound, the counter is up when the exit is seen", async () => {
  const group = create({ memoryBytes: 48 * 1024 * 1024 });
  const child = await startIn(group, "echo up; exec node -e 'Buffer.alloc(400 * 1024 * 1024, 1)'");
  const [, signal] = await once(child, "exit");
  const events = group.events();
  assert.equal(signal, "SIGKILL");
  assert.ok(events.oomKills >= 1, JSON.stringify(events));
  assert.ok(events.memoryMaxHits >= 1);
  await finish(group);
  return JSON.stringify(events);
});

check("pids: forks beyond the bound fail and are counted", async () => {
  const group = create({ pidsMax: 3 });
  const child = await startIn(group, "echo up; for i in 1 2 3 4 5 6; do (sleep 600 &) 2>/dev/null; done; sleep 600");
  await eventually("a refused fork", () => group.events().pidsMaxHits > 0);
  child.unref();
  await finish(group);
});

check("cpu: a busy loop stays at its quota", async () => {
  const group = create({ cpuCores: 0.25 });
  await startIn(group, "echo up; while :; do :; done");
  await sleep(1000);
  const before = { cpu: group.gauge.cpuTimeUs(), at: performance.now() };
  await sleep(8000);
  const share = (group.gauge.cpuTimeUs() - before.cpu) / ((performance.now() - before.at) * 1000);
  assert.ok(group.counters().cpuThrottledPeriods > 10);
  assert.ok(share > 0.2 && share < 0.3, `share ${share}`);
  await finish(group);
  return `asked 25 %, used ${(share * 100).toFixed(2)} %`;
});

check("io: direct writes stay at their rate", async () => {
  const rate = 2 * 1024 * 1024;
  const group = create({ io: [{ device: "254:0", writeBytesPerSecond: rate }] });
  const child = await startIn(
    group,
    "echo up; dd if=/dev/zero of=/dev/vda bs=256k count=40 oflag=direct 2>&1; echo done; exec sleep 600",
  );
  const startedAt = performance.now();
  await eventually("10 MiB written", () => child.lines.includes("done"), 60_000);
  const seconds = (performance.now() - startedAt) / 1000;
  const bytes = group.counters().ioWriteBytes;
  assert.ok(bytes >= 40 * 256 * 1024, `io.stat counted ${bytes}`);
  assert.ok(seconds > 4, `10 MiB took ${seconds} s at 2 MiB/s`);
  await finish(group);
  return `10 MiB in ${seconds.toFixed(2)} s at 2 MiB/s`;
});

check("frozen processes use no CPU until they thaw", async () => {
  const group = create();
  await startIn(group, "echo up; while :; do :; done");
  await group.freeze();
  const at = group.gauge.cpuTimeUs();
  await sleep(500);
  assert.equal(group.gauge.cpuTimeUs(), at);
  await group.thaw();
  await eventually("CPU time grows", () => group.gauge.cpuTimeUs() > at);
  await finish(group);
});

check("cgroup.kill ends sessions of their own, stopped, deaf and frozen ones", async () => {
  const group = create();
  await startIn(
    group,
    "(setsid sleep 600 &); sh -c 'trap \"\" TERM; while :; do sleep 1; done' & sh -c 'kill -STOP $$' & echo up; wait",
  );
  await eventually("five processes", () => group.processes().length >= 4);
  await group.freeze();
  const startedAt = performance.now();
  const outcome = await group.kill({ timeoutMs: 20_000 });
  const ms = performance.now() - startedAt;
  assert.equal(outcome.kind, "empty");
  assert.equal(group.isPopulated(), false);
  assert.deepEqual(await group.remove(), { kind: "removed" });
  return `${outcome.killed} killed, empty after ${ms.toFixed(1)} ms`;
});

check("a group of another daemon is opened again by what it wrote down", async () => {
  const group = create();
  const child = await startIn(group, "echo up; exec sleep 600");
  const again = host.openCgroup(JSON.parse(JSON.stringify(group.location)));
  assert.deepEqual(again.processes(), [child.pid]);
  assert.deepEqual(
    host.listCgroups(base).map((each) => each.name),
    [group.name],
  );
  await finish(again);
  assert.equal(host.openCgroup(group.location), undefined);
});

check("a limit on a path without a disk is refused by name and leaves nothing", () => {
  const refused = host.createCgroup(base, "refused", { io: [{ device: "/tmp", writeBytesPerSecond: 1000 }] });
  assert.equal(refused.kind, "unenforceable");
  assert.equal(existsSync(`${base.directory}/refused`), false);
  return refused.limits[0].missing;
});

check("a user without delegation is told what to do", async () => {
  const answer = await asUser(top, "base");
  assert.equal(answer.kind, "unavailable");
  assert.match(answer.remedy, /systemd-run --user --scope -p Delegate=yes/);
  return answer.missing;
});

check("a user in a delegated group: moved to a leaf, limits hold, what is not delegated is named", async () => {
  const slice = `${top}/user.slice`;
  const delegated = `${slice}/user-1000`;
  mkdirSync(slice);
  // As systemd does for users: no I/O controller.
  writeFileSync(`${slice}/cgroup.subtree_control`, "+cpu +memory +pids");
  mkdirSync(delegated);
  for (const file of ["", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"])
    chownSync(delegated + file, 1000, 1000);
  const answer = await asUser(delegated, "all");
  for (const left of [`${delegated}/supervisor`, delegated, slice]) rmdirSync(left);
  assert.equal(answer.base.kind, "ready", JSON.stringify(answer));
  assert.equal(answer.base.base.directory, `${delegated}/constellation`);
  assert.equal(answer.own, `${delegated}/supervisor`);
  assert.equal(answer.created, "created");
  assert.equal(answer.pidsMax, "5");
  assert.deepEqual(
    answer.missing.map((each) => each.limit),
    ["io"],
  );
  assert.deepEqual(answer.again, answer.base);
  assert.equal(answer.removed, true);
  return answer.missing[0].missing;
});

check("memory and CPU bounds of our own group and of those above are seen", async () => {
  const group = create({ memoryBytes: 256 * 1024 * 1024, cpuCores: 1.5 });
  const child = await startIn(group, "echo up; exec node /app/role.js capacity");
  const answer = JSON.parse(await restOf(child));
  assert.equal(answer.memoryBytes, 256 * 1024 * 1024);
  assert.equal(answer.cpus.cores, 1.5);
  assert.equal(answer.cpus.limitedBy, "quota");
  assert.ok(answer.pressure.some.totalUs >= 0);
  await finish(group);
});

check("1,000 groups come and go", async () => {
  const startedAt = performance.now();
  for (let round = 0; round < 1000; round++) {
    const created = host.createCgroup(base, `churn${round}`, { pidsMax: 5, memoryBytes: 16 * 1024 * 1024 });
    assert.equal(created.kind, "created");
    assert.deepEqual(await created.cgroup.remove(), { kind: "removed" });
  }
  assert.deepEqual(host.listCgroups(base), []);
  return `${((performance.now() - startedAt) / 1000).toFixed(2)} ms each, emulated`;
});

check("nothing is left behind", () => {
  assert.equal(host.removeCgroupBase(base), true);
  const left = readdirSync(top, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  assert.deepEqual(left, []);
});

async function asUser(directory, role) {
  const child = spawn("sh", ["-c", `echo $$ > ${directory}/cgroup.procs; echo up; exec node /app/role.js ${role}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  child.lines = "";
  child.stdout.on("data", (chunk) => (child.lines += chunk));
  return JSON.parse(await restOf(child));
}

async function restOf(child) {
  await once(child, "close");
  return (
    child.lines
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .at(-1) ?? "null"
  );
}

process.exitCode = (await runChecks()) === 0 ? 0 : 1;
