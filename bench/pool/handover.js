// Exclusive hand-over: from `lease` until user code of a newly imported module has replied.
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { createPool } from "../../packages/pool/dist/index.js";
import { quantile } from "./figures.js";
import { openModules } from "./modules.js";

const typescript = createRequire(import.meta.url).resolve("typescript");
const spares = 8;

/** Figures of one placement: single hand-overs, bursts of 8 of 8 spares, hand-overs while a refill is on its way. */
export async function benchHandOver(placement, { singles, bursts }) {
  const startMs = performance.now();
  const bench = await openHandOver(createPool, { placement, preload: [typescript] });
  try {
    const allWarmMs = performance.now() - startMs;
    const spareBytes = bench.spareBytes();
    const idleCpu = await idleShare(1500);
    const single = [];
    const refilling = [];
    for (let round = 0; round < singles; round += 1) {
      const pair = await bench.pair();
      single.push(pair.singleMs);
      refilling.push(pair.refillingMs);
    }
    const importFloorMs = await floorOfBurst(bench.modules);
    const lasts = [];
    for (let round = 0; round < bursts; round += 1) lasts.push(await bench.burst());
    return {
      placement,
      single: row(single),
      whileRefilling: row(refilling),
      burstOf8Last: row(lasts),
      importFloorMs,
      allWarmMs: Math.round(allWarmMs),
      spareMegabytes: Math.round(spareBytes / 1e6),
      parentIdleCpuPercent: idleCpu,
    };
  } finally {
    await bench.close();
  }
}

/** A warm pool of eight spares, and what can be asked of it; each begins when all eight are ready. */
export async function openHandOver(create, { placement, preload }) {
  const modules = openModules();
  const module = new URL("tasks.js", import.meta.url);
  const pool = create({ module, placement, workers: 0, spares, preload, total: 40 });
  await pool.ready();
  const take = async (url) => {
    const askedMs = performance.now();
    const lease = await pool.lease({ whenGone: "reject" });
    await lease.load(url, 2, { timeoutMs: 20_000 });
    return { lease, tookMs: performance.now() - askedMs };
  };
  return {
    modules,
    spareBytes: () => Math.max(...pool.snapshot()[0].workers.map((worker) => worker.memoryBytes)),
    /** One hand-over, and one in the middle of the refill that it causes. */
    async pair() {
      await allIdle(pool);
      const one = await take(modules.next());
      const url = modules.next();
      // Its refill begins after 50 ms of quiet.
      await sleep(90);
      const other = await take(url);
      await Promise.all([one.lease.recycle(), other.lease.recycle()]);
      return { singleMs: one.tookMs, refillingMs: other.tookMs };
    },
    /** Eight at once: how long the last one takes. */
    async burst() {
      await allIdle(pool);
      // Written before: making a module's file is no part of handing a worker over.
      const urls = Array.from({ length: spares }, () => modules.next());
      const taken = await Promise.all(urls.map(take));
      await Promise.all(taken.map((one) => one.lease.recycle()));
      return Math.max(...taken.map((one) => one.tookMs));
    },
    allIdle: () => allIdle(pool),
    async close() {
      await pool.close();
      modules.close();
    },
  };
}

/** What Node alone takes to import eight such modules when all cores share them. */
async function floorOfBurst(modules) {
  const tookMs = [];
  for (let round = 0; round < 15; round += 1) {
    const url = modules.next();
    await sleep(10);
    const startMs = performance.now();
    await import(url);
    tookMs.push(performance.now() - startMs);
  }
  return Number(((quantile(tookMs, 0.5) * spares) / availableParallelism()).toFixed(2));
}

async function allIdle(pool) {
  const untilMs = performance.now() + 60_000;
  while (pool.snapshot()[0].spares.idle < spares) {
    if (performance.now() > untilMs)
      throw new Error(`no ${spares} spares in 60 s: ${JSON.stringify(pool.snapshot()[0].spares)}`);
    await sleep(20);
  }
}

function row(values) {
  return {
    p50Ms: Number(quantile(values, 0.5).toFixed(2)),
    p99Ms: Number(quantile(values, 0.99).toFixed(2)),
    minMs: Number(Math.min(...values).toFixed(2)),
    count: values.length,
  };
}

/** What an idle pool costs its parent's process in percent of a core; worker threads are in it, worker processes not. */
async function idleShare(ms) {
  const before = process.cpuUsage();
  await sleep(ms);
  const { user, system } = process.cpuUsage(before);
  return Number(((user + system) / 10 / ms).toFixed(2));
}
