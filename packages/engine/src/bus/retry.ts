import { onAbort } from "../abort.ts";
import type { EngineClock } from "../clock.ts";
import { isEngineError } from "../error.ts";
import type { RequestOptions } from "./bus.ts";

const attempts = 3;
const pauseMs = 50;

/** Runs an attempt, and again when it is safe to: nobody took it, or doing it twice does no harm. */
export async function withRetries<T>(
  { retry, signal }: RequestOptions,
  clock: EngineClock,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let count = 1; ; count += 1) {
    try {
      return await attempt();
    } catch (error) {
      const mayRepeat = isEngineError(error, "unavailable") || isEngineError(error, "unknown");
      if (retry === "no" || count === attempts || !mayRepeat) throw error;
    }
    await pause(clock, pauseMs * count, signal);
  }
}

function pause(clock: EngineClock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = clock.after(ms, () => {
      forget();
      resolve();
    });
    const forget = onAbort(signal, aborted);
  });
}
