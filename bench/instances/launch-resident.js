// What stays in memory beside an idle instance (supervisor and init), and how fast the log pump is.
// usage: node bench/instances/launch-resident.js [instances] [megabytes]; needs gcc and root.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
  chmodSync,
} from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  buildPlan,
  killInstance,
  noIsolation,
  readPidFile,
  watchLife,
} from "../../packages/instances/dist/launch/index.js";
import { ours } from "./launch/ours.js";
import { buildFirstInstruction } from "./launch/program.js";
import { nowMs, round } from "./launch/statistics.js";

const count = Number(process.argv[2] ?? 40);
const megabytes = Number(process.argv[3] ?? 200);
const folder = mkdtempSync("/var/tmp/constellation-bench-");
chmodSync(folder, 0o755);
const { request, inside, spawner, host } = await ours(folder, buildFirstInstruction(folder), []);
const pss = (pid) => Number(/^Pss:\s+(\d+) kB/mu.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]);

async function idle(isolation, label) {
  const group = `/sys/fs/cgroup/memory/constellation-bench-${process.pid}`;
  mkdirSync(group);
  writeFileSync(`${group}/cgroup.procs`, String(spawner.pid)); // what spawner, supervisors and inits allocate is charged here
  const folders = [];
  for (let index = 0; index < count; index++) {
    const wanted = request({
      argv: [isolation === noIsolation ? inside.replace("/srv/bench", folder) : inside, "stay"],
      cgroups: [],
      ...label.over,
    });
    await spawner.launch(buildPlan(wanted, host));
    folders.push(wanted.instanceDir);
  }
  await new Promise((resolve) => setTimeout(resolve, 1500)); // quiet supervisors give buffers back after a second
  const pids = folders.map((each) => readPidFile(each));
  const wrapper = pids.map(({ supervisor, init }) => pss(supervisor.pid) + (init === null ? 0 : pss(init.pid)));
  const charged = Number(readFileSync(`${group}/memory.usage_in_bytes`, "utf8"));
  for (const each of folders) killInstance(each);
  for (const each of folders) await watchLife(each);
  writeFileSync("/sys/fs/cgroup/memory/cgroup.procs", String(spawner.pid));
  await new Promise((resolve) => setTimeout(resolve, 500));
  try {
    rmdirSync(group);
  } catch {
    /* charges of the network namespaces are returned late; an empty group stays */
  }
  return {
    variant: label.name,
    pssKb: round(wrapper.reduce((sum, each) => sum + each, 0) / count),
    chargedKb: round(charged / 1024 / count),
  };
}

async function pump(lineBytes) {
  const wanted = request({
    argv: ["sh", "-c", `yes ${"x".repeat(lineBytes - 1)} | head -c ${megabytes * 1e6}`],
    log: { path: join(folder, `pump-${lineBytes}`), maxBytes: 50e6, rotatedFiles: 3, maxLineBytes: 16384 },
    cgroups: [],
  });
  const before = nowMs();
  const { supervisor } = await spawner.launch(buildPlan(wanted, host));
  const stat = () => readFileSync(`/proc/${supervisor.pid}/stat`, "latin1").split(") ")[1].split(" ");
  const end = watchLife(wanted.instanceDir);
  let cpuTicks = 0;
  let peakKb = 0;
  const timer = setInterval(() => {
    try {
      cpuTicks = Number(stat()[11]) + Number(stat()[12]);
      peakKb = Math.max(peakKb, pss(supervisor.pid));
    } catch {
      /* it has just ended */
    }
  }, 20);
  await end;
  clearInterval(timer);
  const seconds = (nowMs() - before) / 1000;
  const diskBytes = readdirSync(folder)
    .filter((name) => name.startsWith(`pump-${lineBytes}`))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  return {
    lineBytes,
    megabytesPerSecond: round(megabytes / seconds),
    supervisorCpuSecondsPer100MB: round(cpuTicks / 100 / (megabytes / 100)),
    supervisorPeakPssKb: peakKb,
    diskBytes,
  };
}

const memory = [
  await idle(undefined, { name: "full isolation, no network", over: {} }),
  await idle(undefined, { name: "full isolation, machine's network", over: { network: { kind: "host" } } }),
  await idle(noIsolation, {
    name: "no isolation",
    over: { isolation: noIsolation, user: { kind: "same" }, network: { kind: "host" } },
  }),
];
const pumps = [];
for (const lineBytes of [20, 100, 1000]) pumps.push(await pump(lineBytes));
const spawnerPssKb = pss(spawner.pid);
await spawner.close();
rmSync(folder, { recursive: true });
console.table(memory);
console.table(pumps);
console.log("spawner PSS", spawnerPssKb, "kB");
const output = fileURLToPath(new URL("../results/launch-resident.json", import.meta.url));
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, kernel: release() };
writeFileSync(
  output,
  `${JSON.stringify({ date: new Date().toISOString(), machine, node: process.version, count, memory, pumps, spawnerPssKb }, null, 2)}\n`,
);
