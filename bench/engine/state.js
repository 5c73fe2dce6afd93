// The embedded engine's figures: opening, durable transactions, reads, watches, logs, telemetry.
// Beside the state store stands bare SQLite of the same driver with the least that is durable: one row, one commit.
// usage: node bench/engine/state.js [seconds per measurement, default 2]
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { openEmbeddedEngine } from "../../packages/engine/dist/index.js";
import { sqlDriver } from "../../packages/engine/dist/sqlite/driver.js";

const seconds = Number(process.argv[2] ?? 2);
const here = dirname(fileURLToPath(import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "engine-bench-"));
const value = Buffer.alloc(220, 7);
const rows = [];

function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function report(name, unit, count, elapsedMs, latenciesMs = []) {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const row = { name, unit, perSecond: Math.round((count / elapsedMs) * 1000), count };
  if (sorted.length > 0)
    Object.assign(row, { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99), maxMs: sorted.at(-1) });
  rows.push(row);
}

/** Runs one operation after the other for the given time. */
async function oneByOne(name, unit, operation) {
  for (let warm = 0; warm < 200; warm += 1) await operation(warm);
  const latencies = [];
  const start = performance.now();
  let before = start;
  while (before - start < seconds * 1000) {
    await operation(latencies.length);
    const now = performance.now();
    latencies.push(now - before);
    before = now;
  }
  report(name, unit, latencies.length, before - start, latencies);
}

function measureOpening() {
  const program = join(scratch, "open.mjs");
  const index = pathToFileURL(join(here, "../../packages/engine/dist/index.js")).href;
  writeFileSync(
    program,
    `const start = performance.now();
     const { openEmbeddedEngine } = await import(${JSON.stringify(index)});
     const imported = performance.now();
     const engine = await openEmbeddedEngine({ directory: process.argv[2] });
     await engine.state.list("");
     const opened = performance.now();
     console.log(JSON.stringify([imported - start, opened - imported]));
     await engine.close();`,
  );
  const environment = { ...process.env };
  delete environment.NODE_EXTRA_CA_CERTS;
  for (const [name, fresh] of [
    ["open a new engine", true],
    ["open an engine with 1,000 keys", false],
  ]) {
    const times = [];
    for (let round = 0; round < 15; round += 1) {
      const directory = fresh ? join(scratch, `open-${round}`) : join(scratch, "engine-kept");
      const { stdout } = spawnSync(process.execPath, [program, directory], { encoding: "utf8", env: environment });
      times.push(JSON.parse(stdout));
    }
    const sums = times.map(([imported, opened]) => imported + opened).toSorted((a, b) => a - b);
    const imports = times.map(([imported]) => imported).toSorted((a, b) => a - b);
    rows.push({
      name,
      unit: "import + open",
      count: sums.length,
      p50Ms: quantile(sums, 0.5),
      p99Ms: sums.at(-1),
      importP50Ms: quantile(imports, 0.5),
    });
  }
}

async function measureState(engine) {
  const driver = sqlDriver();
  const bare = driver.open(join(scratch, "bare.db"));
  bare.exec("PRAGMA locking_mode = EXCLUSIVE");
  bare.exec("PRAGMA journal_mode = WAL");
  bare.exec(
    "PRAGMA synchronous = FULL; CREATE TABLE t (key TEXT PRIMARY KEY, value BLOB, rev INTEGER) WITHOUT ROWID; INSERT INTO t VALUES ('a', x'00', 0)",
  );
  const update = bare.prepare("UPDATE t SET value = ?, rev = rev + 1 WHERE key = 'a' AND rev = ?");
  await oneByOne(`bare ${driver.name}: one-row CAS, durable`, "commits", (count) => {
    bare.transaction(() => update.run(value, count));
  });
  const { state } = engine;
  let rev = await state.txn({ put: [{ key: "bench.cas", value }] });
  await oneByOne("state: CAS of one key, durable", "transactions", async () => {
    rev = await state.txn({ expect: [{ key: "bench.cas", rev }], put: [{ key: "bench.cas", value }] });
  });
  let pair = await state.txn({
    put: [
      { key: "bench.a", value },
      { key: "bench.b", value },
    ],
  });
  await oneByOne("state: CAS of two keys, durable", "transactions", async () => {
    const expect = [
      { key: "bench.a", rev: pair },
      { key: "bench.b", rev: pair },
    ];
    pair = await state.txn({
      expect,
      put: [
        { key: "bench.a", value },
        { key: "bench.b", value },
      ],
    });
  });
  const atOnce = 64;
  let done = 0;
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    await Promise.all(
      Array.from({ length: atOnce }, (_, index) => state.txn({ put: [{ key: `bench.many.${index}`, value }] })),
    );
    done += atOnce;
  }
  report(`state: puts, durable, ${atOnce} at once (one sync for all)`, "transactions", done, performance.now() - start);
  await oneByOne("state: get", "gets", () => state.get("bench.cas"));
  for (let index = 0; index < 1000; index += 100) {
    await state.txn({ put: Array.from({ length: 100 }, (_, at) => ({ key: `bench.list.${index + at}`, value })) });
  }
  await oneByOne("state: list of 1,000 keys", "lists", () => state.list("bench.list"));
  bare.close();
}

async function measureWatch({ state }, watchers) {
  const stop = new AbortController();
  for (let index = 1; index < watchers; index += 1) {
    void (async () => {
      for await (const _ of state.watch(`elsewhere.${index}`, 0, { signal: stop.signal }));
    })();
  }
  let heard = () => {};
  const { rev } = await state.list("");
  void (async () => {
    for await (const _ of state.watch("watched", rev, { signal: stop.signal })) heard();
  })();
  await oneByOne(
    `state: put start → watch event, ${watchers} watcher${watchers > 1 ? "s" : ""}`,
    "events",
    async () => {
      const arrived = new Promise((resolve) => {
        heard = resolve;
      });
      await Promise.all([state.txn({ put: [{ key: "watched.key", value }] }), arrived]);
    },
  );
  stop.abort();
}

async function measureLogs({ logs }) {
  const lines = Array.from({ length: 1000 }, (_, index) => ({ stream: "stdout", text: `${index} ${"x".repeat(90)}` }));
  let written = 0;
  let start = performance.now();
  for (; written < 400_000; written += lines.length) await logs.append("bench.1", lines);
  report("logs: append 100-byte lines, 1,000 at once", "lines", written, performance.now() - start);
  start = performance.now();
  let count = 0;
  for await (const batch of logs.query({ instances: ["bench.1"] }).batches()) count += batch.length;
  report("logs: read everything, in batches", "lines", count, performance.now() - start);
  start = performance.now();
  count = 0;
  for await (const _ of logs.query({ instances: ["bench.1"] })) count += 1;
  report("logs: read everything, one by one", "lines", count, performance.now() - start);
  await oneByOne("logs: last 100 of 40 MB", "queries", async () => {
    for await (const _ of logs.query({ instances: ["bench.1"], tail: 100 }));
  });
  const stop = new AbortController();
  let wanted = 200_000;
  count = 0;
  const following = (async () => {
    for await (const batch of logs
      .follow({ instances: ["bench.2"], from: { sinceMs: 0 }, signal: stop.signal })
      .batches()) {
      count += batch.length;
      if (count >= wanted) return;
    }
  })();
  start = performance.now();
  for (let sent = 0; sent < wanted; sent += lines.length) {
    await logs.append("bench.2", lines);
    await new Promise(setImmediate);
  }
  await following;
  report("logs: append and follow, both in this process", "lines", count, performance.now() - start);
  stop.abort();
}

async function measureTelemetry({ telemetry }) {
  let start = performance.now();
  const events = 100_000;
  for (let count = 0; count < events; count += 1) {
    telemetry.record({ kind: "bench.event", subject: "web.1", body: { count } });
    if (count % 1000 === 999) await telemetry.flush();
  }
  report("telemetry: events, 1,000 a write", "events", events, performance.now() - start);
  start = performance.now();
  const samples = 500_000;
  const nowMs = Date.now();
  for (let count = 0; count < samples; count += 1)
    telemetry.sample(`bench.${count % 1000}.cpu`, count / 7, nowMs + Math.floor(count / 1000) * 1000);
  await telemetry.flush();
  report("telemetry: samples of 1,000 series, written", "samples", samples, performance.now() - start);
}

const kept = await openEmbeddedEngine({ directory: join(scratch, "engine-kept") });
for (let index = 0; index < 1000; index += 100) {
  await kept.state.txn({ put: Array.from({ length: 100 }, (_, at) => ({ key: `k.${index + at}`, value })) });
}
await kept.close();
const engine = await openEmbeddedEngine({ directory: join(scratch, "engine") });
try {
  measureOpening();
  await measureState(engine);
  await measureWatch(engine, 1);
  await measureWatch(engine, 1000);
  await measureLogs(engine);
  await measureTelemetry(engine);
} finally {
  await engine.close();
  rmSync(scratch, { recursive: true, force: true });
}

const round = (ms) => (ms === undefined ? "" : ms.toPrecision(3));
console.table(
  rows.map(({ name, unit, perSecond, p50Ms, p99Ms }) => ({
    name,
    "per second": perSecond ?? "",
    unit,
    "p50 ms": round(p50Ms),
    "p99 ms": round(p99Ms),
  })),
);
const results = join(here, "../results");
mkdirSync(results, { recursive: true });
const machine = {
  cpu: cpus()[0]?.model ?? "",
  cores: availableParallelism(),
  memoryBytes: totalmem(),
  platform: `${process.platform}-${process.arch}`,
};
const header = { date: new Date().toISOString(), node: process.version, sqlite: sqlDriver().name, machine, seconds };
writeFileSync(join(results, "engine.json"), `${JSON.stringify({ ...header, rows }, null, 2)}\n`);
