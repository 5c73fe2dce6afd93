// Public ports side by side: what the shared socket and the forwarder cost beside direct access, Node's cluster, nginx and haproxy.
//   npx tsc -b packages/instances && node bench/instances/ports.js [rounds]
// Needs wrk and nginx; haproxy and nginx' stream module are compared when they are there. Writes bench/results/ports.json.
import { mkdirSync, writeFileSync } from "node:fs";
import { arch, cpus, release } from "node:os";
import { load, median } from "./ports/load.js";
import { listening, pause, pssKb, Stage } from "./ports/subjects.js";

const rounds = Number(process.argv[2] ?? 3);
const columns = {
  "kept-alive req/s": (run) => run.kept.perSecond,
  "new conn req/s": (run) => run.fresh.perSecond,
  "p50 µs, 1 client": (run) => run.lone.p50Us,
  "p99 µs, 1 client": (run) => run.lone.p99Us,
  "1 MB bodies, MB/s": (run) => run.big?.megabytesPerSecond ?? Number.NaN,
};

const results = {};
const memory = {};

for (let round = 0; round < rounds; round += 1) {
  await subject("nginx direct", async (stage) => stage.nginx(), { big: true });
  await subject(
    "nginx behind our forwarder",
    async (stage) => {
      const port = await stage.forwarder([await listening(await stage.nginx())]);
      memory["forwarder idle kB"] = pssKb(port.pid);
      stage.after = () => (memory["forwarder after load kB"] = pssKb(port.pid));
      return port.port;
    },
    { big: true },
  );
  await subject("nginx behind haproxy (tcp)", async (stage) => stage.haproxy(await listening(await stage.nginx())), {
    big: true,
  });
  await subject(
    "nginx behind nginx (stream)",
    async (stage) => stage.nginxStream(await listening(await stage.nginx())),
    { big: true },
  );
  await subject("node direct", async (stage) => stage.node());
  await subject("node x1, shared socket", async (stage) => (await stage.shared(1)).port.port);
  await subject("node x3, shared socket", async (stage) => {
    const { port } = await stage.shared(3);
    memory["port process, shared, kB"] = pssKb(port.pid);
    return port.port;
  });
  await subject("node x3, node:cluster", async (stage) => stage.cluster(3));
  await subject(
    "node x3, our forwarder",
    async (stage) =>
      (await stage.forwarder(await Promise.all([1, 2, 3].map(async () => listening(await stage.node()))))).port,
  );
}

report();

async function subject(name, start, { big = false } = {}) {
  const stage = new Stage();
  try {
    const port = await start(stage);
    if (port === undefined) {
      if (results[name] === undefined) console.log(`${name}: not installed, left out`);
      return;
    }
    await listening(port);
    await pause(300);
    load(port, { seconds: 1 });
    const run = {
      kept: load(port),
      fresh: load(port, { keepAlive: false }),
      lone: load(port, { connections: 1, seconds: 1 }),
      ...(big ? { big: load(port, { path: "/big", connections: 8 }) } : {}),
    };
    stage.after?.();
    (results[name] ??= []).push(run);
  } finally {
    await stage.close();
  }
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
          ...Object.fromEntries(Object.entries(values).map(([column, value]) => [column, value?.median ?? "-"])),
          failed,
        },
      ]),
    ),
  );
  console.table(memory);
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
    `${JSON.stringify({ date: new Date().toISOString(), machine, rounds, memory, subjects: summary }, null, 2)}\n`,
  );
}
