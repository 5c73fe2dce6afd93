import { setTimeout as sleep } from "node:timers/promises";

/** Asks until the answer is yes or the time is over; first at once, then after 1, 2, 4 … 20 ms. */
export async function waitUntil(isDone: () => boolean, timeoutMs: number): Promise<boolean> {
  const endsAt = performance.now() + timeoutMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(20, pauseMs * 2)) {
    if (isDone()) return true;
    const leftMs = endsAt - performance.now();
    if (leftMs <= 0) return false;
    await sleep(Math.min(pauseMs, leftMs));
  }
}
