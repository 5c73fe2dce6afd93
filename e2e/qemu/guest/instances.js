// Real instances by the launcher on a kernel with cgroup v2 only, and disks counted by project quota.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseApp } from "@constellation/contract";
import { listCgroups, openCgroupBase, removeCgroupBase } from "@constellation/host";
import { newRunId, ProcessDriver } from "@constellation/instances";
import { check, runChecks } from "./check.js";

const { signal } = new AbortController();
const options = { runtime: "/tmp/run", state: "/state/constellation", cgroupBase: "instances" };
let driver = await ProcessDriver.open(options);
let index = 0;

/** A request for a shell script, with the settings of a spec. */
function request(script, spec = {}, over = {}) {
  const { resources, isolation, env, mounts, logs, stop } = parseApp({
    name: "x",
    command: ["sh", "-c", script],
    ...spec,
  });
  const run = { kind: "command", argv: ["sh", "-c", script] };
  return {
    runId: newRunId(Date.now(), Math.random()),
    app: "guest",
    index: ++index,
    revision: 1,
    restarts: 0,
    run,
    folder: null,
    resources,
    isolation,
    env,
    urls: {},
    mounts,
    ports: [],
    logs,
    stop,
    ...over,
  };
}

async function toEnd(asked) {
  const handle = await driver.start(asked, { signal });
  const lines = [];
  for await (const { text } of handle.logs({ from: "beginning", signal })) lines.push(text);
  const exit = await handle.wait();
  handle.detach();
  await driver.release(asked.runId);
  const measures = Object.fromEntries(
    handle.facts.measures.map(({ name, state, detail }) => [name, `${state}: ${detail}`]),
  );
  return { lines, exit, measures };
}

async function started(asked, pattern) {
  const handle = await driver.start(asked, { signal });
  for await (const { text } of handle.logs({ from: "beginning", signal })) if (pattern.test(text)) return handle;
  throw new Error("it ended before it said so");
}

async function over(handle) {
  const exit = await handle.kill();
  handle.detach();
  await driver.release(handle.facts.runId);
  return exit;
}

async function output(handle, script) {
  const session = await handle.exec({ argv: ["sh", "-c", script], tty: false, columns: 80, rows: 24 }, { signal });
  session.endInput();
  let text = "";
  for await (const { bytes } of session.output) text += Buffer.from(bytes).toString();
  await session.close();
  return text;
}

const groupOf = (pid) => readFileSync(`/proc/${pid}/cgroup`, "utf8").trim();

check("an instance is born in its group of v2, isolated, and its supervisor is not in it", async () => {
  const script =
    "cat /proc/self/cgroup; id -u; ls /proc | grep -c '^[0-9]'; grep Seccomp: /proc/self/status; echo up; sleep 1000; sleep 1";
  const handle = await started(request(script, { resources: { memory: "64MB", cpu: 0.5, pids: 20 } }), /up/);
  const group = groupOf(handle.facts.pid);
  assert.match(group, /^0::\/.*instances\/guest\.1-/);
  const status = readFileSync(`/proc/${handle.facts.pid}/status`, "utf8");
  const init = Number(/^PPid:\s+(\d+)/m.exec(status)[1]);
  assert.equal(groupOf(init), group);
  const supervisor = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${init}/status`, "utf8"))[1]);
  assert.notEqual(groupOf(supervisor), group);
  const lines = [];
  for await (const { text } of handle.logs({ from: "beginning", signal })) if (lines.push(text) === 4) break;
  assert.equal(lines[0], "0::/");
  assert.ok(Number(lines[1]) >= 70_000);
  assert.ok(Number(lines[2]) < 8);
  assert.match(lines[3], /2$/);
  const states = Object.fromEntries(handle.facts.measures.map(({ name, state }) => [name, state]));
  for (const name of [
    "limit.memory",
    "limit.cpu",
    "limit.pids",
    "namespace.pid",
    "namespace.cgroup",
    "namespace.user",
    "seccomp",
  ])
    assert.equal(states[name], "on", `${name} is ${states[name]}`);
  assert.equal(states["sockets.abstract"], "missing", "Linux 6.1 has no Landlock scopes");
  await over(handle);
  return group;
});

check("a command executed inside is in the same group and namespaces", async () => {
  const handle = await started(request("echo up; sleep 1000; sleep 1"), /up/);
  assert.equal(await output(handle, "cat /proc/self/cgroup"), "0::/\n");
  const [pid] = (await output(handle, "readlink /proc/self/ns/pid")).trim().split("\n");
  assert.equal(pid, (await output(handle, "readlink /proc/2/ns/pid")).trim());
  await over(handle);
});

check("memory beyond the limit is an oom with its peak", async () => {
  const { exit } = await toEnd(request("exec tail /dev/zero", { resources: { memory: "32MB" } }));
  assert.equal(exit.kind, "oom", JSON.stringify(exit));
  assert.ok(exit.peakMemoryBytes > 20_000_000 && exit.peakMemoryBytes < 40_000_000, JSON.stringify(exit));
  return exit.reason;
});

check("what is ended at the limit beside the program is counted, and the program runs on", async () => {
  const script = 'tail /dev/zero; echo "ended with $?"; sleep 1000; sleep 1';
  const handle = await started(request(script, { resources: { memory: "32MB" } }), /ended with 137/);
  assert.equal(handle.stats("usage").oomKills, 1);
  await over(handle);
});

check("a fork bomb meets its limit", async () => {
  const { lines, exit } = await toEnd(
    request("i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i+1)); done; echo all", { resources: { pids: 8 } }),
  );
  assert.ok(!lines.includes("all") || lines.some((text) => /fork/.test(text)), JSON.stringify({ lines, exit }));
  return lines[0];
});

check("a program's descriptors are not all read to be counted", async () => {
  const open =
    'for (let n = 0; n < 120000; n++) fs.openSync("/dev/null"); console.log("open"); setInterval(Date, 1000)';
  const handle = await started(request(`exec node -e '${open}'`), /^open/);
  handle.stats();
  const before = performance.now();
  const { openFiles } = handle.stats();
  const tookMs = performance.now() - before;
  await over(handle);
  assert.ok(openFiles === null && tookMs < 400, `${openFiles} in ${tookMs.toFixed()} ms`);
  return `not known, in ${tookMs.toFixed()} ms`;
});

check("CPU stays at its quota", async () => {
  const handle = await started(request("echo up; while :; do :; done", { resources: { cpu: 0.25 } }), /up/);
  await sleep(1500);
  const before = { cpu: handle.stats().cpuTimeUs, at: performance.now() };
  await sleep(6000);
  const share = (handle.stats().cpuTimeUs - before.cpu) / ((performance.now() - before.at) * 1000);
  await over(handle);
  assert.ok(share > 0.2 && share < 0.3, `share ${share}`);
  return `asked 25 %, used ${(share * 100).toFixed(2)} %`;
});

check("disk writes stay at their rate", async () => {
  const script = "dd if=/dev/zero of=$DATA_DIR/file bs=256k count=40 oflag=direct 2>/dev/null; echo done";
  const startedAt = performance.now();
  const { lines, measures } = await toEnd(request(script, { resources: { io: { write: "2MB/s" } } }));
  const seconds = (performance.now() - startedAt) / 1000;
  assert.deepEqual(lines, ["done"]);
  assert.match(measures["limit.io"], /^on/);
  assert.ok(seconds > 4, `10 MiB took ${seconds} s at 2 MB/s`);
  return `10 MiB in ${seconds.toFixed(2)} s at 2 MB/s`;
});

check("a disk with a size is counted by project quota, grows, shrinks, and is lifted", async () => {
  const fill =
    "dd if=/dev/zero of=$DATA_DIR/fill bs=64k 2>&1 | grep -i -o 'no space\\|quota' ; stat -c %s $DATA_DIR/fill; df -k $DATA_DIR | tail -1 | tr -s ' ' | cut -d' ' -f2";
  const at = index + 1;
  const again = (script, disk) => toEnd(request(script, disk === null ? {} : { resources: { disk } }, { index: at }));
  const first = await again(fill, "20MB");
  assert.match(first.measures["limit.disk"], /^on: 20 MB, by project quota/);
  const bytes = Number(first.lines.at(-2));
  assert.ok(bytes > 15_000_000 && bytes <= 20_000_000, JSON.stringify(first.lines));
  assert.ok(Math.abs(Number(first.lines.at(-1)) - 20_000_000 / 1024) < 200, `df says ${first.lines.at(-1)} KiB`);
  const larger = await again(fill, "30MB");
  assert.ok(Number(larger.lines.at(-2)) > 25_000_000, JSON.stringify(larger.lines));
  const smaller = await again("echo more >> $DATA_DIR/other; stat -c %s $DATA_DIR/other", "10MB");
  assert.notEqual(smaller.lines.at(-1), "5", JSON.stringify(smaller.lines));
  const lifted = await again(
    "dd if=/dev/zero of=$DATA_DIR/fill bs=1M count=40 2>/dev/null; stat -c %s $DATA_DIR/fill",
    null,
  );
  assert.equal(Number(lifted.lines.at(-1)), 40 * 1024 * 1024);
  assert.equal(existsSync(`/state/constellation/data/guest.${at}.img`), false);
  return first.lines[0];
});

check("a disk with a size has as many files as blocks of 4 KiB, however empty they are", async () => {
  const script = "i=0; while [ $i -lt 4000 ] && (: > $DATA_DIR/$i) 2>/dev/null; do i=$((i+1)); done; echo $i";
  const { lines } = await toEnd(request(script, { resources: { disk: "8MB" } }));
  const files = Number(lines.at(-1));
  assert.ok(files > 1900 && files < 2000, JSON.stringify(lines));
  return `${files} files`;
});

check("the owner of a file cannot take it out of its project", async () => {
  const script =
    "chattr.e2fsprogs -p 0 $DATA_DIR 2>&1; chattr.e2fsprogs -P $DATA_DIR 2>&1; dd if=/dev/zero of=$DATA_DIR/fill bs=64k 2>/dev/null; stat -c %s $DATA_DIR/fill";
  const { lines } = await toEnd(request(script, { resources: { disk: "12MB" } }));
  assert.ok(Number(lines.at(-1)) <= 12_000_000, JSON.stringify(lines));
  assert.ok(
    lines.some((text) => /chattr.*(not permitted|nvalid argument)/.test(text)),
    JSON.stringify(lines),
  );
  return lines[0];
});

check("a folder with files that are not counted is refused a size", async () => {
  const at = index + 1;
  await toEnd(request("echo kept > $DATA_DIR/kept", {}, { index: at }));
  await assert.rejects(
    () => driver.start(request("true", { resources: { disk: "20MB" } }, { index: at }), { signal }),
    /holds files already/,
  );
});

check("the next driver adopts: same pid, its end, its exit code", async () => {
  const handle = await started(request("trap 'exit 6' TERM; echo up; while :; do sleep 0.05; done"), /up/);
  const { runId, pid } = handle.facts;
  await driver.close();
  driver = await ProcessDriver.open(options);
  const recovery = await driver.recover(runId);
  assert.equal(recovery.status, "running");
  assert.equal(recovery.handle.facts.pid, pid);
  const exit = await recovery.handle.stop("SIGTERM", 10_000);
  assert.equal(exit.code, 6, JSON.stringify(exit));
  await driver.release(runId);
});

check("a supervisor that is killed takes its tree along, whatever it forked", async () => {
  const handle = await started(request("(setsid sleep 1000 &); sleep 1000 & echo up; sleep 1000; sleep 1"), /up/);
  const init = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${handle.facts.pid}/status`, "utf8"))[1]);
  const supervisor = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${init}/status`, "utf8"))[1]);
  process.kill(supervisor, "SIGKILL");
  const exit = await handle.wait();
  assert.equal(exit.kind, "lost", JSON.stringify(exit));
  await over(handle);
  assert.deepEqual(groupsOfRuns(), []);
});

check("100 lives leave nothing: no process, group, mount or folder", async () => {
  const before = readFileSync("/proc/self/mountinfo", "utf8");
  for (let life = 0; life < 100; life += 1) {
    const handle = await driver.start(request("(setsid sleep 1000 &); sleep 1000; true"), { signal });
    await over(handle);
  }
  assert.deepEqual(await driver.list(), []);
  assert.deepEqual(groupsOfRuns(), []);
  assert.equal(readFileSync("/proc/self/mountinfo", "utf8"), before);
  assert.deepEqual(readdirSync(`${options.runtime}/runs`), []);
  const sleepers = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && comm(pid) === "sleep");
  assert.deepEqual(sleepers, []);
});

check("nothing is left behind", async () => {
  await driver.close();
  assert.equal(removeCgroupBase(base()), true);
});

/** Slots that wait have groups, too. */
function groupsOfRuns() {
  return listCgroups(base()).filter(({ name }) => name.startsWith("guest."));
}

function base() {
  const outcome = openCgroupBase({ name: options.cgroupBase });
  assert.equal(outcome.kind, "ready", JSON.stringify(outcome));
  return outcome.base;
}

function comm(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}

mkdirSync(options.state, { recursive: true });
process.exitCode = (await runChecks()) === 0 ? 0 : 1;
