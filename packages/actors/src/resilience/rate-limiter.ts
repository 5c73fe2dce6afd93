import type { Host } from "../host.ts";
import type { Outcome } from "./outcome.ts";
import { wait } from "./wait.ts";

export interface RateLimit {
  /** Calls per `perMs` in the long run. */
  readonly calls: number;
  readonly perMs: number;
  /** Calls that may come at once after a quiet time. @default calls */
  readonly burst?: number;
}

/** A token bucket: a steady rate, with bursts after quiet times. */
export class RateLimiter {
  readonly #host: Host;
  readonly #tokenMs: number;
  readonly #burst: number;
  #tokens: number;
  #filledMs: number;

  constructor(host: Host, { calls, perMs, burst = calls }: RateLimit) {
    if (!(calls > 0 && perMs > 0))
      throw new RangeError(`Cannot limit to ${calls} calls per ${perMs} ms: wanted both above 0`);
    if (!(burst >= 1)) throw new RangeError(`Cannot limit to a burst of ${burst}: wanted 1 or more`);
    this.#host = host;
    this.#tokenMs = perMs / calls;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledMs = host.nowMs();
  }

  /** Takes a token if there is one. */
  take(): Outcome<void> {
    this.#fill();
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return { kind: "done", value: undefined };
    }
    return { kind: "refused", by: "rate-limiter", retryAfterMs: (1 - this.#tokens) * this.#tokenMs };
  }

  /** Makes the call, after waiting at most `waitMs` for a token. @throws what the call throws */
  async run<Value>(
    call: () => Promise<Value> | Value,
    { waitMs = 0, signal }: { readonly waitMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Outcome<Value>> {
    this.#fill();
    const delayMs = Math.max(0, (1 - this.#tokens) * this.#tokenMs);
    if (delayMs > waitMs) return { kind: "refused", by: "rate-limiter", retryAfterMs: delayMs };
    // Taken now, perhaps on credit: those who come later wait behind.
    this.#tokens -= 1;
    if (delayMs > 0) await this.#waitOrGiveBack(delayMs, signal);
    return { kind: "done", value: await call() };
  }

  async #waitOrGiveBack(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    try {
      await wait(this.#host, delayMs, signal);
    } catch (error) {
      this.#tokens += 1;
      throw error;
    }
  }

  #fill(): void {
    const nowMs = this.#host.nowMs();
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#filledMs) / this.#tokenMs);
    this.#filledMs = nowMs;
  }
}
