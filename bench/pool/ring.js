// The ring buffer between two threads: frames of 1 KB per second, what a wake-up takes, what the heap grew by.
import { createPool, createRing } from "../../packages/pool/dist/index.js";
import { median, quantile } from "./figures.js";

export async function benchRing({ rounds, frames }) {
  const pool = createPool({ module: new URL("ring-thread.js", import.meta.url), placement: "thread", workers: 2 });
  await pool.ready();
  try {
    const perSecond = [];
    const growth = [];
    const wakes = { asleep: [], spinning: [] };
    for (let round = 0; round < rounds; round += 1) {
      const ring = createRing({ frames: 1024, frameBytes: 1024 });
      const [produced, consumed] = await Promise.all([
        pool.run("produce", { ring, frames }),
        pool.run("consume", { ring, frames }),
      ]);
      perSecond.push(consumed.perSecond);
      growth.push(Math.max(produced, consumed.heapGrowth) / (frames / 2));
      for (const [name, spins] of [
        ["asleep", 0],
        ["spinning", 5000],
      ]) {
        const [input, output] = [createRing({ frames: 2, frameBytes: 8 }), createRing({ frames: 2, frameBytes: 8 })];
        const pair = { input, output, frames: 3000, spins };
        const [halves] = await Promise.all([pool.run("ask", pair), pool.run("answer", pair)]);
        wakes[name].push(quantile(halves, 0.5));
      }
    }
    return {
      framesPerSecond: Math.round(median(perSecond)),
      framesPerSecondBest: Math.round(Math.max(...perSecond)),
      wakeUpP50Us: Number(median(wakes.asleep).toFixed(1)),
      wakeUpP50BestUs: Number(Math.min(...wakes.asleep).toFixed(1)),
      wakeUpSpinningP50Us: Number(median(wakes.spinning).toFixed(1)),
      heapBytesPerFrame: Number(Math.max(...growth).toFixed(3)),
    };
  } finally {
    await pool.close();
  }
}
