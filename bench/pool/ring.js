// The ring buffer between two threads: frames of 1 KB per second, what a wake-up takes, what the heap grew by.
import { createPool, createRing } from "../../packages/pool/dist/index.js";
import { median, quantile } from "./figures.js";

export async function benchRing({ rounds, frames }) {
  const pool = createPool({ module: new URL("ring-thread.js", import.meta.url), placement: "thread", workers: 2 });
  await pool.ready();
  const both = (one, other, data) =>
    Promise.all([pool.run(one, data, { timeoutMs: 60_000 }), pool.run(other, data, { timeoutMs: 60_000 })]);
  try {
    const perSecond = [];
    const heap = [];
    const wakes = { waiting: [], neverSpinning: [], afterTwoMs: [] };
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
      const ticks = createRing({ frames: 8, frameBytes: 8 });
      const [, late] = await both("tick", "hear", { ring: ticks, frames: 300 });
      wakes.afterTwoMs.push(quantile(late, 0.5));
    }
    return {
      framesPerSecond: Math.round(median(perSecond)),
      framesPerSecondBest: Math.round(Math.max(...perSecond)),
      wakeUpP50Us: Number(median(wakes.waiting).toFixed(1)),
      wakeUpWithoutSpinningP50Us: Number(median(wakes.neverSpinning).toFixed(1)),
      wakeUpAfterTwoMsAsleepP50Us: Number(median(wakes.afterTwoMs).toFixed(1)),
      heapBytesPerFrame: Number(median(heap).toFixed(3)),
    };
  } finally {
    await pool.close();
  }
}
