// The ring buffer between two threads: frames of 1 KB per second, what a wake-up takes, what the heap grew by.
import { createPool, createRing } from "../../packages/pool/dist/index.js";
import { median, quantile } from "./figures.js";
import { openFutex } from "./futex.js";

/** Of the streams whose reader sleeps between two frames: a quick one, and a tick of live audio. */
const periodsMs = [2, 5.8];

export async function benchRing({ rounds, frames }) {
  const pool = createPool({ module: new URL("ring-thread.js", import.meta.url), placement: "thread", workers: 2 });
  await pool.ready();
  const futex = openFutex();
  const both = (one, other, data) =>
    Promise.all([pool.run(one, data, { timeoutMs: 60_000 }), pool.run(other, data, { timeoutMs: 60_000 })]);
  try {
    const perSecond = [];
    const heap = [];
    const wakes = { waiting: [], neverSpinning: [] };
    const asleep = Object.fromEntries(periodsMs.map((periodMs) => [periodMs, asleepRows()]));
    for (let round = 0; round < rounds; round += 1) {
      const ring = createRing({ frames: 1024, frameBytes: 1024 });
      const [produced, consumed] = await both("produce", "consume", { ring, frames });
      perSecond.push(consumed.perSecond);
      heap.push(Math.max(produced.heapBytesPerFrame, consumed.heapBytesPerFrame));
      for (const [name, spins] of [
        ["waiting", undefined],
        ["neverSpinning", 0],
      ]) {
        const [input, output] = [createRing({ frames: 2, frameBytes: 8 }), createRing({ frames: 2, frameBytes: 8 })];
        const [halves] = await both("ask", "answer", { input, output, frames: 3000, spins });
        wakes[name].push(quantile(halves, 0.5));
      }
      for (const periodMs of periodsMs) {
        const ticks = { frames: 120, periodMs };
        const rows = asleep[periodMs];
        for (const anticipates of [false, true]) {
          const ring = createRing({ frames: 8, frameBytes: 8 });
          const [, heard] = await both("tick", "hear", { ring, anticipates, ...ticks });
          const row = anticipates ? rows.anticipated : rows.woken;
          row.us.push(quantile(heard.lateUs, 0.5));
          row.cpuPercent.push(heard.cpuPercent);
        }
        const words = new Int32Array(new SharedArrayBuffer(4));
        const stamp = new Float64Array(new SharedArrayBuffer(8));
        const [, late] = await both("ringBare", "hearBare", { words, stamp, ...ticks });
        rows.bareAtomics.us.push(quantile(late, 0.5));
        const bare = futex?.(periodMs) ?? null;
        if (bare !== null) rows.bareFutex.us.push(bare);
      }
    }
    return {
      framesPerSecond: Math.round(median(perSecond)),
      framesPerSecondBest: Math.round(Math.max(...perSecond)),
      wakeUpP50Us: Number(median(wakes.waiting).toFixed(1)),
      wakeUpWithoutSpinningP50Us: Number(median(wakes.neverSpinning).toFixed(1)),
      ...Object.fromEntries(
        periodsMs.map((periodMs) => [
          `wakeUpAfter${periodMs}MsAsleep`,
          Object.fromEntries(
            Object.entries(asleep[periodMs]).map(([name, { us, cpuPercent }]) => [
              name,
              {
                p50Us: us.length === 0 ? null : Number(median(us).toFixed(1)),
                spreadUs:
                  us.length === 0 ? null : [Math.min(...us), Math.max(...us)].map((one) => Number(one.toFixed(1))),
                ...(cpuPercent.length === 0 ? {} : { cpuPercentOfBothSides: Number(median(cpuPercent).toFixed(1)) }),
              },
            ]),
          ),
        ]),
      ),
      heapBytesPerFrame: Number(median(heap).toFixed(3)),
    };
  } finally {
    await pool.close();
    futex?.close();
  }
}

const asleepRows = () =>
  Object.fromEntries(
    ["woken", "anticipated", "bareAtomics", "bareFutex"].map((name) => [name, { us: [], cpuPercent: [] }]),
  );
