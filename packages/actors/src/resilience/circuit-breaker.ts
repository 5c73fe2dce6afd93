import type { Host } from "../host.ts";
import type { Outcome } from "./outcome.ts";

export interface BreakerOptions {
  /** Failures in a row that open it. Lower: opens on a hiccup; higher: hammers a dead service longer. @default 5 */
  readonly failures?: number;
  /** How long it stays open before one call may try. @default 10_000 */
  readonly openMs?: number;
  /** Which errors count as failures. @default all */
  readonly isFailure?: (error: unknown) => boolean;
}

/** Closed: calls go through. Open: none does. Half-open: one call tries whether things are better. */
export type BreakerState =
  | { readonly kind: "closed"; readonly failures: number }
  | { readonly kind: "open"; readonly untilMs: number }
  | { readonly kind: "half-open" };

/** Spares a service that fails, and its callers the wait (Nygard, Release It!, 2007). */
export class CircuitBreaker {
  readonly #host: Pick<Host, "nowMs">;
  readonly #failures: number;
  readonly #openMs: number;
  readonly #isFailure: (error: unknown) => boolean;
  #state: BreakerState = { kind: "closed", failures: 0 };

  constructor(host: Pick<Host, "nowMs">, options: BreakerOptions = {}) {
    this.#host = host;
    this.#failures = options.failures ?? 5;
    this.#openMs = options.openMs ?? 10_000;
    this.#isFailure = options.isFailure ?? (() => true);
    if (!(this.#failures >= 1)) throw new RangeError(`Cannot break after ${this.#failures} failures: wanted 1 or more`);
    if (!(this.#openMs > 0)) throw new RangeError(`Cannot stay open for ${this.#openMs} ms: wanted more than 0`);
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Makes the call unless it is open. @throws what the call throws */
  async run<Value>(call: () => Promise<Value> | Value): Promise<Outcome<Value>> {
    const refusedMs = this.#refusal();
    if (refusedMs !== null) return { kind: "refused", by: "breaker", retryAfterMs: refusedMs };
    const tries = this.#state.kind !== "closed";
    if (tries) this.#state = { kind: "half-open" };
    try {
      const value = await call();
      if (tries || this.#state.kind === "closed") this.#state = { kind: "closed", failures: 0 };
      return { kind: "done", value };
    } catch (error) {
      if (this.#isFailure(error)) this.#fail(tries);
      else if (tries) this.#state = { kind: "closed", failures: 0 };
      throw error;
    }
  }

  /** How long a call has to wait, or null when it may go through. */
  #refusal(): number | null {
    const state = this.#state;
    if (state.kind === "half-open") return this.#openMs;
    if (state.kind === "closed") return null;
    const leftMs = state.untilMs - this.#host.nowMs();
    return leftMs > 0 ? leftMs : null;
  }

  #fail(tried: boolean): void {
    const state = this.#state;
    // A call from before it opened says nothing new.
    if (!tried && state.kind !== "closed") return;
    const failures = state.kind === "closed" ? state.failures + 1 : this.#failures;
    this.#state =
      failures >= this.#failures
        ? { kind: "open", untilMs: this.#host.nowMs() + this.#openMs }
        : { kind: "closed", failures };
  }
}
