import { backoffMs } from "@constellation/actors";

const backoff = { initialMs: 250, maxMs: 30_000, jitter: 0.2 };

/**
 * Holds back the start of workers after warm-ups that failed, longer each time: what fails in one worker fails in all,
 * and a module that throws must not keep the machine busy. One success opens the gate.
 */
export class WarmupGate {
  #failures = 0;
  #opensMs = 0;
  #lastError: Error | null = null;

  /** The error of the last failed warm-up, until one succeeds. */
  get error(): Error | null {
    return this.#lastError;
  }

  get failures(): number {
    return this.#failures;
  }

  /** How long the next start has to wait. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#opensMs - nowMs);
  }

  /** Returns how long the next start has to wait. */
  failed(error: Error, nowMs: number, random: number): number {
    this.#lastError = error;
    // Workers that were on their way together fail together: that is one failure.
    if (nowMs < this.#opensMs) return this.#opensMs - nowMs;
    const waitMs = backoffMs(backoff, this.#failures, random);
    this.#failures += 1;
    this.#opensMs = nowMs + waitMs;
    return waitMs;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#opensMs = 0;
    this.#lastError = null;
  }
}
