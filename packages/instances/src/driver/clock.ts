import { longestTimeoutMs } from "@constellation/host";
/** The time and one-shot timers that everything here runs on; tests give a manual one. */
export interface Clock {
  /** Unix time in milliseconds that never goes back. */
  nowMs(): number;
  /** Calls `task` once after `delayMs`; such a wait alone keeps no program alive. */
  after(delayMs: number, task: () => void): { cancel(): void };
}

/** Wall time is looked at this often: it goes ahead when somebody sets the clock, and over a sleep of the machine. */
const lookMs = 1000;
/** What the two clocks may differ by without any of that. */
const toleratedMs = 500;

let originMs = performance.timeOrigin;
let lookAtMs = 0;

/** The machine's clock: wall time, carried on by the monotonic clock, which stands still where wall time was set back. */
export const systemClock: Clock = {
  nowMs() {
    const monotonicMs = performance.now();
    if (monotonicMs >= lookAtMs) {
      lookAtMs = monotonicMs + lookMs;
      const aheadMs = Date.now() - originMs - monotonicMs;
      if (aheadMs > toleratedMs) originMs += aheadMs;
    }
    return originMs + monotonicMs;
  },
  after(delayMs, task) {
    let timer: NodeJS.Timeout;
    // One that is longer than Node's timers is made of several.
    const wait = (leftMs: number): void => {
      const nowMs = Math.min(Math.max(0, leftMs), longestTimeoutMs);
      timer = setTimeout(() => (leftMs > nowMs ? wait(leftMs - nowMs) : task()), nowMs);
      timer.unref();
    };
    wait(delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
