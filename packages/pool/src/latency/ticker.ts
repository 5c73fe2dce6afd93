import { Histogram } from "../measure/histogram.ts";

/** What a ticker has seen. */
export interface TickReport {
  readonly ticks: number;
  /** Ticks that were due and had passed before anybody could begin them. */
  readonly missed: number;
  readonly lateness: Histogram;
}

/** What a ticker tells while it runs. */
export interface TickWatch {
  /** A tick began, so late. */
  began?(lateMs: number): void;
  /** So many ticks were left out, as the one before, or the machine, took too long. */
  missed?(count: number): void;
}

/**
 * Calls `tick` every `periodMs` without drift until `signal` aborts. A tick that could not begin before the next one was
 * due is counted as missed and left out: a real-time sink has played silence by then.
 *
 * @throws RangeError when there is no such period; what `tick` throws: it is the last one then.
 */
export async function runTicks(
  periodMs: number,
  tick: (index: number) => void,
  signal: AbortSignal,
  watch: TickWatch = {},
): Promise<TickReport> {
  if (!(periodMs > 0) || periodMs >= 2 ** 31)
    throw new RangeError(`Cannot run ticks: periodMs is ${periodMs}, wanted a number above 0 and below 2^31`);
  const lateness = new Histogram();
  const startMs = performance.now();
  let index = 0;
  let ticks = 0;
  let missed = 0;
  await new Promise<void>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const next = (): void => {
      try {
        step();
      } catch (error) {
        signal.removeEventListener("abort", stop);
        reject(error);
      }
    };
    const step = (): void => {
      const dueMs = startMs + index * periodMs;
      const lateMs = performance.now() - dueMs;
      // Timers have whole milliseconds; the rest is waited out in short turns.
      if (lateMs >= 0) {
        lateness.recordMs(lateMs);
        watch.began?.(lateMs);
        tick(index);
        ticks += 1;
        const nextIndex = Math.max(index + 1, Math.floor((performance.now() - startMs) / periodMs));
        const leftOut = nextIndex - index - 1;
        missed += leftOut;
        if (leftOut > 0) watch.missed?.(leftOut);
        index = nextIndex;
      }
      if (signal.aborted) return;
      const waitMs = startMs + index * periodMs - performance.now();
      timer = setTimeout(next, Math.max(0, Math.floor(waitMs)));
    };
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    else next();
  });
  return { ticks, missed, lateness };
}
