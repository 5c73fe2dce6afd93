/**
 * What one side of a ring sleeps on and the other side rings: one word, 1 while somebody sleeps or is about to.
 *
 * Nobody misses a ring: the sleeper announces itself (`arm`), looks once more for what it waits for, and then sleeps only
 * while the word still says so; the ringer first does what the sleeper waits for and then looks at the word. Whichever of
 * the two comes first in the single order of all atomic operations, the other one sees it (Dekker's algorithm).
 * A ring may come late, when its reason is used up already: whoever wakes looks again.
 */
export class Bell {
  readonly #counters: Int32Array;
  readonly #at: number;

  constructor(counters: Int32Array, at: number) {
    this.#counters = counters;
    this.#at = at;
  }

  /** Announces a sleep. Look again for what you wait for, then `sleep` or `disarm`. */
  arm(): void {
    Atomics.store(this.#counters, this.#at, 1);
  }

  disarm(): void {
    Atomics.store(this.#counters, this.#at, 0);
  }

  /** Blocks this thread until the bell rings. False after `timeoutMs`. */
  sleep(timeoutMs: number): boolean {
    const outcome = Atomics.wait(this.#counters, this.#at, 1, timeoutMs);
    this.disarm();
    return outcome !== "timed-out";
  }

  /** Like `sleep`, for a thread that has an event loop to serve. */
  async sleepAsync(timeoutMs: number): Promise<boolean> {
    const untilMs = performance.now() + timeoutMs;
    let leftMs = timeoutMs;
    let how: string;
    do {
      const outcome = atomics.waitAsync(this.#counters, this.#at, 1, leftMs);
      how = outcome.async ? await outcome.value : outcome.value;
      leftMs = untilMs - performance.now();
      // Node counts from when its event loop looked at the clock: before a thread was blocked, perhaps.
    } while (how === "timed-out" && leftMs > 0);
    this.disarm();
    return how !== "timed-out";
  }

  /** Wakes whoever sleeps; costs a look when nobody does. */
  ring(): void {
    if (Atomics.load(this.#counters, this.#at) === 0) return;
    // Taken back here and not by who wakes up: what comes meanwhile need not ring again.
    Atomics.store(this.#counters, this.#at, 0);
    Atomics.notify(this.#counters, this.#at, 1);
  }
}

type AsyncOutcome =
  | { readonly async: false; readonly value: string }
  | { readonly async: true; readonly value: Promise<string> };

/** In every V8 that we support, though not yet in the library types of our target. */
const atomics = Atomics as unknown as {
  waitAsync(counters: Int32Array, index: number, value: number, timeoutMs: number): AsyncOutcome;
};
