import { at, countersOf, slotsOf, type FrameView, type SharedRing } from "./layout.ts";

/** The one thread that reads from a ring. Nothing here allocates per frame, but `waitAsync`. */
export class RingReader<View = Uint8Array> {
  readonly #counters: Int32Array;
  readonly #slots: View[];
  readonly #mask: number;
  #read: number;
  #seenWritten: number;

  constructor(ring: SharedRing, view: FrameView<View>) {
    this.#counters = countersOf(ring);
    this.#slots = slotsOf(ring, view);
    this.#mask = ring.frames - 1;
    this.#read = Atomics.load(this.#counters, at.read);
    this.#seenWritten = this.#read;
  }

  /** The oldest frame, or null when there is none: that is counted as an underrun. It is yours until `release`. */
  take(): View | null {
    if (this.#hasFrame()) return this.#slots[this.#read & this.#mask] as View;
    Atomics.add(this.#counters, at.underruns, 1);
    return null;
  }

  /** Gives the frame of `take` back to the writer, and wakes it if it waits for room. */
  release(): void {
    this.#read = (this.#read + 1) | 0;
    Atomics.store(this.#counters, at.read, this.#read);
    if (Atomics.load(this.#counters, at.writerSleeps) === 1) Atomics.notify(this.#counters, at.read, 1);
  }

  /**
   * Blocks this thread until there is a frame. False after `timeoutMs`, or when the ring was closed and is empty.
   * It looks `spins` times before it sleeps: to be woken costs 10 to 50 µs, a look some nanoseconds of a whole core.
   */
  wait(timeoutMs: number, spins = 0): boolean {
    for (let looks = 0; looks <= spins; looks += 1) if (this.#hasFrame()) return true;
    for (;;) {
      if (Atomics.load(this.#counters, at.closed) === 1) return this.#hasFrame();
      Atomics.store(this.#counters, at.readerSleeps, 1);
      // Sleeps only while nothing more was written than was seen. No clock: numbers from one would be garbage.
      const outcome = Atomics.wait(this.#counters, at.written, this.#seenWritten, timeoutMs);
      this.#awake(true);
      if (this.#hasFrame()) return true;
      if (outcome === "timed-out") return false;
    }
  }

  /** Like `wait`, without blocking: for a thread that has an event loop to serve. */
  async waitAsync(timeoutMs: number): Promise<boolean> {
    const untilMs = performance.now() + timeoutMs;
    for (;;) {
      if (this.#hasFrame()) return true;
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) return false;
      Atomics.store(this.#counters, at.readerSleeps, 1);
      if (Atomics.load(this.#counters, at.closed) === 1) return this.#awake(this.#hasFrame());
      const outcome = atomics.waitAsync(this.#counters, at.written, this.#seenWritten, leftMs);
      if (outcome.async) await outcome.value;
      this.#awake(true);
    }
  }

  /** Times that `take` found nothing. */
  get underruns(): number {
    return Atomics.load(this.#counters, at.underruns);
  }

  /** Ends the waits of both sides. */
  close(): void {
    Atomics.store(this.#counters, at.closed, 1);
    Atomics.notify(this.#counters, at.written);
    Atomics.notify(this.#counters, at.read);
  }

  #awake(outcome: boolean): boolean {
    Atomics.store(this.#counters, at.readerSleeps, 0);
    return outcome;
  }

  #hasFrame(): boolean {
    if (this.#seenWritten !== this.#read) return true;
    this.#seenWritten = Atomics.load(this.#counters, at.written);
    return this.#seenWritten !== this.#read;
  }
}

type AsyncOutcome =
  | { readonly async: false; readonly value: string }
  | { readonly async: true; readonly value: Promise<string> };

/** In every V8 that we support, though not yet in the library types of our target. */
const atomics = Atomics as unknown as {
  waitAsync(counters: Int32Array, index: number, value: number, timeoutMs: number): AsyncOutcome;
};
