/** The time and one-shot timers that everything here runs on; tests give a manual one. */
export interface Clock {
  /** Unix time in milliseconds that never goes back. */
  nowMs(): number;
  /** Calls `task` once after `delayMs`; such a wait alone keeps no program alive. */
  after(delayMs: number, task: () => void): { cancel(): void };
}

/** The machine's clock: wall time as it was at the program's start, carried on by the monotonic clock. */
export const systemClock: Clock = {
  nowMs: () => performance.timeOrigin + performance.now(),
  after(delayMs, task) {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      const nowMs = Math.min(Math.max(0, leftMs), longestTimeoutMs);
      timer = setTimeout(() => (leftMs > nowMs ? wait(leftMs - nowMs) : task()), nowMs);
      timer.unref();
    };
    wait(delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** `setTimeout` fires at once beyond 2^31 - 1 ms, 25 days: longer waits are made of several. */
const longestTimeoutMs = 2 ** 31 - 1;
