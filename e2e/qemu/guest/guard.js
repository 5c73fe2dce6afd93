// Guarded runs on a kernel with cgroup v2 only: bounds of groups above the guard, teardown by cgroup.kill, resume.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { addUp, readJournal } from "@constellation/guard";
import { createCgroup, findByEnvironment, listCgroups, openCgroup, openCgroupBase } from "@constellation/host";
import { openGuardGauge } from "../../../packages/guard/dist/gauge/gauge.js";
import { check, runChecks } from "./check.js";

const MiB = 2 ** 20;
const outcome = openCgroupBase({ name: "guarded", placement: "top" });
assert.equal(outcome.kind, "ready", JSON.stringify(outcome));
const { base } = outcome;
let serial = 0;

/**
 * A group with a bound, and a group without one inside it, as a shell in a container has it. `controllers`: what the kernel
 * counts inside; nobody need have told it to count anything.
 */
function containerOf(memoryBytes, controllers = "+memory +cpu +pids") {
  const created = createCgroup(base, `container${serial++}`, { memoryBytes });
  assert.equal(created.kind, "created", JSON.stringify(created));
  const outer = created.cgroup;
  const inner = join(outer.location.directory, "shell");
  if (controllers !== "") writeFileSync(join(outer.location.directory, "cgroup.subtree_control"), controllers);
  mkdirSync(inner);
  return { outer, inner };
}

async function remove({ outer, inner }) {
  await outer.kill({ timeoutMs: 60_000 });
  for (const name of ["constellation-guard", "supervisor"]) {
    const left = openCgroup({ version: 2, name, directory: join(inner, name) });
    if (left !== undefined) assert.equal((await left.remove({ timeoutMs: 20_000 })).kind, "removed");
  }
  const shell = openCgroup({ version: 2, name: "shell", directory: inner });
  assert.equal((await shell.remove({ timeoutMs: 20_000 })).kind, "removed");
  assert.equal((await outer.remove({ timeoutMs: 20_000 })).kind, "removed");
}

function project(files) {
  const root = mkdtempSync("/tmp/guarded-");
  writeFileSync(join(root, "package.json"), '{ "private": true, "scripts": { "test": "node --test" } }');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, `${name}.test.cjs`), text);
  return root;
}

/** A guard in a process of its own, inside a group. */
function guarded(directory, root, options) {
  // The first guard moves whoever is in its group to a leaf, where the next one starts: groups with groups hold no processes.
  const leaf = join(directory, "supervisor");
  const script = `echo 0 > ${existsSync(leaf) ? leaf : directory}/cgroup.procs && exec node /app/protected.js "$0" "$1"`;
  const child = spawn("sh", ["-c", script, root, JSON.stringify({ jobs: 1, ...options })], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: "/bin", HOME: "/tmp" },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const ended = new Promise((resolve) => child.once("close", resolve)).then((exit) => {
    const last = stdout.trim().split("\n").at(-1);
    return { exit, stderr, outcome: last.startsWith("{") ? JSON.parse(last) : undefined };
  });
  return { child, ended };
}

function ledgerOf(root) {
  const content = readJournal(join(root, ".constellation/test/journal.jsonl"));
  assert.equal(content.kind, "sound", JSON.stringify(content));
  return addUp(content.records);
}

async function eventually(what, isSo, mostMs = 120_000) {
  for (const until = performance.now() + mostMs; performance.now() < until; await sleep(50)) if (isSo()) return;
  throw new Error(`it did not come true: ${what}`);
}

const fine = (count, ms) =>
  `const { test } = require("node:test"); for (let n = 0; n < ${count}; n++) test("t" + n, () => new Promise((r) => setTimeout(r, ${ms})));`;

check("a hog is stopped at the bound of a group above, before the kernel acts", async () => {
  const group = containerOf(320 * MiB);
  const root = project({
    hog: `const { test } = require("node:test"); test("before", () => {}); test("hog", () => {
  const kept = []; for (let n = 0; n < 64; n++) kept.push(Buffer.alloc(16 * 2 ** 20, 1));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000); });`,
  });
  const { exit, stderr, outcome } = await guarded(group.inner, root, {}).ended;
  assert.equal(exit, 42, stderr + JSON.stringify(outcome));
  assert.ok(outcome.reason.includes(group.outer.location.directory), outcome.reason);
  assert.equal(group.outer.events().oomKills, 0);
  assert.deepEqual(outcome.tests, ["hog.test.cjs before passed"]);
  await remove(group);
  rmSync(root, { recursive: true });
  return `${outcome.reason}; gone ${Math.round(outcome.reactionMs)} ms later`;
});

check("somebody else's memory in the group above drains the run; resumed, it repeats nothing", async () => {
  const group = containerOf(400 * MiB);
  const root = project({ a: fine(30, 100), b: fine(30, 100) });
  const run = guarded(group.inner, root, { graceMs: 20_000 });
  const journal = join(root, ".constellation/test/journal.jsonl");
  const finished = () => (existsSync(journal) ? readFileSync(journal, "utf8").split('{"kind":"test"').length - 1 : 0);
  await eventually("three tests finish", () => finished() >= 3);
  const beside = join(group.outer.location.directory, "beside");
  mkdirSync(beside);
  // Memory that is held without being touched again: a file on a tmpfs counts for whoever wrote it.
  mkdirSync("/tmp/fill", { recursive: true });
  const fill = spawn("sh", [
    "-c",
    `echo 0 > ${beside}/cgroup.procs && exec node -e '
    const kept = []; const { readFileSync } = require("fs"); const used = () => Number(readFileSync("${group.outer.location.directory}/memory.current", "latin1"));
    while (used() < ${345 * MiB}) kept.push(Buffer.alloc(4 * 2 ** 20, 1)); setInterval(() => kept.length, 1000);'`,
  ]);
  const { exit, stderr, outcome } = await run.ended;
  fill.kill("SIGKILL");
  assert.equal(exit, 42, stderr + JSON.stringify(outcome));
  const before = outcome.tests.length;
  const again = await guarded(group.inner, root, { resume: true }).ended;
  assert.equal(again.exit, 0, again.stderr + JSON.stringify(again.outcome));
  assert.equal(again.outcome.tests.length, 60);
  assert.equal(ledgerOf(root).repeated, 0);
  await eventually("the other one is gone", () => readFileSync(`${beside}/cgroup.procs`, "latin1") === "");
  assert.equal(
    (await openCgroup({ version: 2, name: "beside", directory: beside }).remove({ timeoutMs: 20_000 })).kind,
    "removed",
  );
  await remove(group);
  rmSync(root, { recursive: true });
  return `${outcome.reason} after ${before} of 60 tests`;
});

check("teardown by cgroup.kill ends what forked twice, left its session or dropped its environment", async () => {
  const group = containerOf(500 * MiB);
  const root = project({
    children: `const { test } = require("node:test"); const { spawn } = require("node:child_process");
test("leaves children", () => {
  spawn("sh", ["-c", "(setsid sh -c 'sleep 1000 & sleep 1000' &) &"], { detached: true, stdio: "ignore" }).unref();
  spawn("env", ["-i", "/bin/setsid", "/bin/sleep", "1000"], { detached: true, stdio: "ignore" }).unref();
  return new Promise((resolve) => setTimeout(resolve, 500));
});`,
  });
  const { exit, stderr, outcome } = await guarded(group.inner, root, {}).ended;
  assert.equal(exit, 0, stderr + JSON.stringify(outcome));
  assert.deepEqual(outcome.teardown.survivors, []);
  assert.deepEqual(outcome.teardown.troubles, []);
  assert.deepEqual(group.outer.processes(), []);
  await remove(group);
  rmSync(root, { recursive: true });
});

check("a run killed with its guard is cleaned up and resumed by the next, repeating nothing", async () => {
  const group = containerOf(500 * MiB);
  const root = project({ a: fine(20, 100), b: fine(20, 100) });
  const first = guarded(group.inner, root, {});
  const journal = join(root, ".constellation/test/journal.jsonl");
  await eventually("some tests finish", () => existsSync(journal) && ledgerOf(root).tests.size >= 5);
  const { run } = JSON.parse(readFileSync(join(root, ".constellation/test/holder.json"), "utf8"));
  first.child.kill("SIGKILL");
  await first.ended;
  const again = await guarded(group.inner, root, { resume: true }).ended;
  assert.equal(again.exit, 0, again.stderr + JSON.stringify(again.outcome));
  assert.equal(again.outcome.tests.length, 40);
  assert.equal(ledgerOf(root).repeated, 0);
  assert.deepEqual(findByEnvironment({ name: "CONSTELLATION_RUN", value: run }), []);
  await remove(group);
  rmSync(root, { recursive: true });
});

check("a bound in bytes is kept where the run's memory can be counted, and refused where it cannot", async () => {
  const policy = { shedShare: 0.75, drainShare: 0.8, killShare: 0.95, hysteresisShare: 0.03, teardownMs: 200 };
  const rest = { stallPercent: 40, stallHeldMs: 10_000, cpuShare: 0.8, cpuHeldMs: 5000, cpuAction: "ignore" };
  const options = { policy: { ...policy, ...rest, treeBytes: 150 * MiB } };
  const group = containerOf(800 * MiB);
  const root = project({
    grows: `const { test } = require("node:test"); test("grows", async () => { const kept = [];
  for (let n = 0; n < 50; n++) { kept.push(Buffer.alloc(8 * 2 ** 20, 1)); await new Promise((r) => setTimeout(r, 100)); } });`,
  });
  const kept = await guarded(group.inner, root, options).ended;
  assert.equal(kept.exit, 42, kept.stderr + JSON.stringify(kept.outcome));
  assert.match(kept.outcome.reason, /memory of the run/);
  await remove(group);

  const uncounted = containerOf(800 * MiB, "");
  const unknown = await guarded(uncounted.inner, root, options).ended;
  assert.notEqual(unknown.exit, 0);
  assert.match(unknown.stderr, /Cannot hold the run to .*memory is not counted for its group/);
  await remove(uncounted);

  // Somebody else in the guard's own group keeps the kernel from counting below it.
  const shared = containerOf(800 * MiB);
  const neighbour = spawn("sh", ["-c", `echo 0 > ${shared.inner}/cgroup.procs && exec sleep 1000`]);
  await eventually("the neighbour is in", () => readFileSync(`${shared.inner}/cgroup.procs`, "latin1") !== "");
  const refused = await guarded(shared.inner, root, options).ended;
  neighbour.kill("SIGKILL");
  assert.notEqual(refused.exit, 0);
  assert.match(refused.stderr, /Cannot hold the run to/);
  await remove(shared);
  rmSync(root, { recursive: true });
  return kept.outcome.reason;
});

check("stalls of the guard's own group are looked at", async () => {
  const gauge = openGuardGauge(() => undefined);
  assert.equal(typeof gauge.read().stallPercent, "number");
  gauge.close();
  assert.deepEqual(listCgroups(base), []);
});

process.exitCode = await runChecks();
