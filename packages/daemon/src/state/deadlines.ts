import { setMaxListeners } from "node:events";

/** Work that begins within this time shares a signal. */
const shareMs = 1000;

/**
 * Signals that abort after a time. What begins within the same second shares one, and has up to a second more: with
 * hundreds of writes a second each would otherwise make, arm and clear its own.
 */
export class Deadlines {
  readonly #timeoutMs: number;
  #latest: { readonly signal: AbortSignal; readonly sharedUntilMs: number } | null = null;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Aborts with a `TimeoutError` when the time is over, counted from now. Alone it keeps no program alive. */
  next(): AbortSignal {
    const nowMs = performance.now();
    if (this.#latest === null || nowMs >= this.#latest.sharedUntilMs)
      this.#latest = { signal: abortingAfter(this.#timeoutMs + shareMs), sharedUntilMs: nowMs + shareMs };
    return this.#latest.signal;
  }
}

function abortingAfter(delayMs: number): AbortSignal {
  const controller = new AbortController();
  // Any number of writes may wait with it.
  setMaxListeners(0, controller.signal);
  const abort = (): void => controller.abort(new DOMException(`${delayMs} ms are over`, "TimeoutError"));
  setTimeout(abort, delayMs).unref();
  return controller.signal;
}
