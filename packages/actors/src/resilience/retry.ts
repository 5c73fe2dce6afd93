import type { Host } from "../host.ts";
import { backoffMs, type BackoffOptions } from "../time/backoff.ts";
import { wait } from "./wait.ts";

export interface RetryOptions {
  /** Calls at most, the first one included. @default 3 */
  readonly attempts?: number;
  /** Wait between calls. @default 100 ms, doubled each time, at most 10 s */
  readonly backoff?: BackoffOptions;
  /** Which errors are worth another call. @default all */
  readonly isRetryable?: (error: unknown) => boolean;
  readonly signal?: AbortSignal;
}

const standard: BackoffOptions = { initialMs: 100, maxMs: 10_000 };

/** Calls until it works. @throws the last error; the signal's reason when it aborts */
export async function retry<Value>(
  host: Host,
  call: (attempt: number) => Promise<Value> | Value,
  options: RetryOptions = {},
): Promise<Value> {
  const { attempts = 3, backoff = standard, isRetryable = () => true, signal } = options;
  if (!(attempts >= 1)) throw new RangeError(`Cannot retry with ${attempts} attempts: wanted 1 or more`);
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await call(attempt);
    } catch (error) {
      if (attempt >= attempts || !isRetryable(error)) throw error;
      await wait(host, backoffMs(backoff, attempt - 1, host.random()), signal);
    }
  }
}
