// Public ports side by side: what the shared socket and the forwarder cost beside direct access, Node's cluster, nginx and haproxy.
//   npx tsc -b packages/instances && node bench/instances/ports.js [rounds]
// Needs wrk and nginx; haproxy and nginx' stream module are compared when they are there. Writes bench/results/ports.json.
import { mkdirSync, writeFileSync } from "node:fs";
import { arch, cpus, release } from "node:os";
import { load, median } from "./ports/load.js";
import { spreadOfBursts, spreadOfRequests } from "./ports/spread.js";
import { cpuUs, listening, pssKb, Stage } from "./ports/subjects.js";

const rounds = Number(process.argv[2] ?? 5);
const columns = {
  "kept-alive req/s": (run) => run.kept.perSecond,
  "new conn req/s": (run) => run.fresh.perSecond,
  "p50 µs, 1 client": (run) => run.lone.p50Us,
  "p99 µs, 1 client": (run) => run.lone.p99Us,
  "proxy CPU µs/req": (run) => run.proxyCpuUs ?? Number.NaN,
  "1 MB bodies, MB/s": (run) => run.big?.megabytesPerSecond ?? Number.NaN,
};

const results = {};
const memory = {};
const spread = {};
const subjects = [];

try {
  const forwarder = await subject("nginx behind our forwarder", { big: true }, async (stage) =>
    behindForwarder(stage, [await stage.nginx()]),
  );
  await subject("nginx behind haproxy (tcp)", { big: true }, async (stage) =>
    stage.haproxy(await listening(await stage.nginx())),
  );
  await subject("nginx behind nginx (stream)", { big: true }, async (stage) =>
    stage.nginxStream(await listening(await stage.nginx())),
  );
  await subject("nginx direct", { big: true }, async (stage) => stage.nginx());
  await subject("node direct", {}, async (stage) => stage.node());
  await subject("node x1, shared socket", {}, async (stage) => (await stage.shared(1)).port.port);
  const shared = await subject("node x3, shared socket", {}, async (stage) => (await stage.shared(3)).port.port);
  await subject("node x3, node:cluster", {}, async (stage) => stage.cluster(3));
  await subject("node x3, our forwarder", {}, async (stage) =>
    behindForwarder(stage, await Promise.all([1, 2, 3].map(() => stage.node()))),
  );
  memory["forwarder, idle"] = pssKb(forwarder.stage.ports[0].pid);
  memory["shared, idle"] = pssKb(shared.stage.ports[0].pid);
  // One short run of each in turn: what else the machine does hits all of them alike.
  for (let round = 0; round < rounds; round += 1)
    for (const { name, big, port, stage } of subjects) (results[name] ??= []).push(measure(port, big, stage.proxyPid));
  for (const name of ["node x3, shared socket", "node x3, node:cluster", "node x3, our forwarder"]) {
    const { port } = subjects.find((one) => one.name === name);
    spread[name] = {
      "bursts of kept-alive connections, %": await spreadOfBursts(port),
      "a connection per request, %": await spreadOfRequests(port),
    };
  }
  memory["forwarder, after load"] = pssKb(forwarder.stage.ports[0].pid);
} finally {
  for (const { stage } of subjects) await stage.close();
}

report();

async function behindForwarder(stage, backends) {
  for (const backend of backends) await listening(backend);
  return (await stage.forwarder(backends)).port;
}

/** Starts one and keeps it; without a port it is not installed. */
async function subject(name, { big = false }, start) {
  const stage = new Stage();
  const port = await start(stage);
  if (port === undefined) {
    console.log(`${name}: not installed, left out`);
    await stage.close();
    return undefined;
  }
  const one = { name, big, stage, port };
  subjects.push(one);
  await listening(port);
  load(port, { seconds: 1 });
  return one;
}

function measure(port, big, proxyPid) {
  const before = proxyPid === undefined ? 0 : cpuUs(proxyPid);
  const kept = load(port, { seconds: 1 });
  return {
    kept,
    ...(proxyPid === undefined ? {} : { proxyCpuUs: (cpuUs(proxyPid) - before) / kept.perSecond }),
    fresh: load(port, { seconds: 1, keepAlive: false }),
    lone: load(port, { seconds: 1, connections: 1 }),
    ...(big ? { big: load(port, { seconds: 1, path: "/big", connections: 8 }) } : {}),
  };
}

function report() {
  const summary = Object.entries(results).map(([name, runs]) => ({
    name,
    failed: runs.reduce(
      (sum, run) => sum + run.kept.failed + run.fresh.failed + run.lone.failed + (run.big?.failed ?? 0),
      0,
    ),
    ...Object.fromEntries(
      Object.entries(columns).map(([column, read]) => {
        const values = runs.map(read).filter((value) => !Number.isNaN(value));
        return [
          column,
          values.length === 0
            ? null
            : {
                median: Math.round(median(values)),
                min: Math.round(Math.min(...values)),
                max: Math.round(Math.max(...values)),
              },
        ];
      }),
    ),
  }));
  console.table(
    Object.fromEntries(
      summary.map(({ name, failed, ...values }) => [
        name,
        {
          ...Object.fromEntries(
            Object.entries(values).map(([column, value]) => [
              column,
              value === null ? "-" : `${value.median} (${value.min}–${value.max})`,
            ]),
          ),
          failed,
        },
      ]),
    ),
  );
  console.log("spread over three processes:", spread);
  console.log("memory of one port process (PSS, kB):", memory);
  const folder = new URL("../results/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    arch: arch(),
    kernel: release(),
    node: process.version,
  };
  writeFileSync(
    new URL("ports.json", folder),
    `${JSON.stringify({ date: new Date().toISOString(), machine, rounds, memory, spread, subjects: summary }, null, 2)}\n`,
  );
}
