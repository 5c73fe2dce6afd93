import type { Outcome } from "./outcome.ts";

export interface BulkheadOptions {
  /** Calls that may run at the same time. */
  readonly concurrent: number;
  /** Calls that may wait for their turn; 0 refuses at once. @default 0 */
  readonly waiting?: number;
}

/** Keeps one slow service from taking everything: only so many calls at a time. */
export class Bulkhead {
  readonly #concurrent: number;
  readonly #waiting: number;
  /** Starts the calls that wait, in their order. */
  readonly #queue = new Set<() => void>();
  #running = 0;

  constructor(options: BulkheadOptions) {
    this.#concurrent = options.concurrent;
    this.#waiting = options.waiting ?? 0;
    if (!(this.#concurrent >= 1))
      throw new RangeError(`Cannot run ${this.#concurrent} calls at a time: wanted 1 or more`);
    if (!(this.#waiting >= 0)) throw new RangeError(`Cannot let ${this.#waiting} calls wait: wanted 0 or more`);
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** Makes the call when there is room. @throws what the call throws; the signal's reason when it aborts the wait */
  async run<Value>(call: () => Promise<Value> | Value, signal?: AbortSignal): Promise<Outcome<Value>> {
    if (this.#running >= this.#concurrent) {
      if (this.#queue.size >= this.#waiting) return { kind: "refused", by: "bulkhead", retryAfterMs: null };
      await this.#turn(signal);
    } else this.#running += 1;
    try {
      return { kind: "done", value: await call() };
    } finally {
      this.#pass();
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#queue.delete(start);
        reject(signal?.reason as Error);
      };
      const start = (): void => {
        this.#queue.delete(start);
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#queue.add(start);
    });
  }

  /** Gives the place of a call that has ended to the next one. */
  #pass(): void {
    for (const start of this.#queue) {
      start();
      return;
    }
    this.#running -= 1;
  }
}
