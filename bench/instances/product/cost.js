// What the platform takes for itself.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { sleep } from "./product-daemon.js";

/** `many` must run: memory of supervisor and init, and what the kernel charges an instance beyond a bare `sleep`. */
export async function besideWorkload(daemon, rows) {
  const pids = (await daemon.pids("many")).slice(0, 20);
  const beside = pids.map((pid) => {
    const chain = [];
    for (let at = parentOf(pid); at > 1 && /launcher|supervis|init|cst/.test(nameOf(at)); at = parentOf(at)) {
      if (/spawner/.test(commandOf(at))) break;
      chain.push(at);
    }
    return chain.reduce((sum, at) => sum + pssBytes(at), 0) / 1e6;
  });
  rows.add("memory beside the workload, PSS of supervisor and init", "MB", beside, 0.1);
  const charged = pids.map((pid) => usageBytes(memoryGroupOf(pid)) / 1e6);
  const bare = await bareCharge();
  if (bare === null) rows.missing("memory charged in all beside the workload", "needs root and a memory controller");
  else
    rows.add(
      "memory charged in all beside the workload",
      "MB",
      charged.map((value) => value - bare / 1e6),
      0.5,
      `a bare sleep: ${(bare / 1e6).toFixed(2)} MB`,
    );
}

/** Each sample is one instance measured, encoded and sent. */
export async function monitoring(daemon, rows, seconds) {
  const idleFrom = daemon.cpuMs();
  await sleep(2000);
  const idlePerSecond = (daemon.cpuMs() - idleFrom) / 2;
  let samples = 0;
  const from = daemon.cpuMs();
  const end = await daemon.stream("/v1/samples?app=many&intervalMs=100&follow=true", () => (samples += 1));
  await sleep(seconds * 1000);
  end();
  const spentMs = daemon.cpuMs() - from - idlePerSecond * seconds;
  rows.add(
    "monitoring an instance through the API",
    "us CPU",
    [(spentMs * 1000) / Math.max(1, samples)],
    20,
    `${Math.round(samples / seconds)} samples/s; the bar is 2 % of a core for 1,000 per second`,
  );
}

/** Programs that end at once are started again and again; the daemon must stay as large as it was. */
export async function restarts(daemon, rows, wanted) {
  let seen = 0;
  const resident = [];
  const end = await daemon.stream("/v1/events?follow=true&tail=0", (event) => {
    if (event.type !== "instance.ended" || event.app !== "again") return;
    seen += 1;
    if (seen % Math.max(1, Math.floor(wanted / 8)) === 0) resident.push(daemon.residentBytes() / 1e6);
  });
  const enough = () => seen >= wanted;
  const begun = performance.now();
  await daemon.apply({
    name: "again",
    command: ["/bin/true"],
    instances: 8,
    restart: { policy: "always", backoff: { initial: "1ms", max: "1ms" } },
  });
  while (performance.now() - begun < wanted * 100 && !enough()) await sleep(50);
  end();
  const perSecond = seen / ((performance.now() - begun) / 1000);
  await daemon.remove("again");
  if (!enough()) rows.missing("daemon RSS over restarts", `${seen} of ${wanted} restarts in time`);
  else
    rows.add(
      `daemon RSS growth over the last ${Math.round((wanted * 3) / 4)} of ${wanted} restarts`,
      "MB",
      [resident.at(-1) - resident[1]],
      5,
      `${perSecond.toFixed(0)} restarts/s; RSS ${resident.map((value) => value.toFixed(0)).join(" ")} MB`,
    );
}

async function bareCharge() {
  const group = `${memoryRoot()}/constellation-bench-${process.pid}`;
  try {
    mkdirSync(group);
  } catch {
    return null;
  }
  const child = spawn("sh", ["-c", "read go; exec /bin/sleep 1000"], { stdio: ["pipe", "ignore", "ignore"] });
  try {
    writeFileSync(`${group}/cgroup.procs`, String(child.pid));
    child.stdin.end("go\n");
    await sleep(500);
    return usageBytes(group);
  } finally {
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await ended;
    await sleep(50);
    rmdirSync(group);
  }
}

const v2 = () => !/ - cgroup .*memory/.test(readFileSync("/proc/self/mountinfo", "utf8"));
const memoryRoot = () => (v2() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory");

function memoryGroupOf(pid) {
  const line = readFileSync(`/proc/${pid}/cgroup`, "utf8")
    .split("\n")
    .find((each) => (v2() ? each.startsWith("0::") : /:memory:/.test(each)));
  return memoryRoot() + line.split(":").at(-1);
}

const usageBytes = (group) =>
  Number(readFileSync(`${group}/${v2() ? "memory.current" : "memory.usage_in_bytes"}`, "utf8"));
const pssBytes = (pid) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]) * 1024;
const parentOf = (pid) => Number(readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1).split(" ")[1]);
const commandOf = (pid) => readFileSync(`/proc/${pid}/cmdline`, "latin1");
const nameOf = (pid) => `${readFileSync(`/proc/${pid}/comm`, "latin1")} ${commandOf(pid)}`;
