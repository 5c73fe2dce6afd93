import { at, countersOf, slotsOf, type FrameView, type SharedRing } from "./layout.ts";

/** The one thread that writes into a ring. Nothing here allocates per frame. */
export class RingWriter<View = Uint8Array> {
  readonly #counters: Int32Array;
  readonly #slots: View[];
  readonly #mask: number;
  #written: number;
  /** What the reader had read when it was last looked at: its cache line is fetched only when the ring seems full. */
  #seenRead: number;

  constructor(ring: SharedRing, view: FrameView<View>) {
    this.#counters = countersOf(ring);
    this.#slots = slotsOf(ring, view);
    this.#mask = ring.frames - 1;
    this.#written = Atomics.load(this.#counters, at.written);
    this.#seenRead = Atomics.load(this.#counters, at.read);
  }

  /** The next frame to fill, or null when the ring is full: that is counted as an overrun. `commit` sends it. */
  claim(): View | null {
    if (this.#hasRoom()) return this.#slots[this.#written & this.#mask] as View;
    Atomics.add(this.#counters, at.overruns, 1);
    return null;
  }

  /** Sends the frame that `claim` gave, and wakes the reader if it sleeps. */
  commit(): void {
    this.#written = (this.#written + 1) | 0;
    Atomics.store(this.#counters, at.written, this.#written);
    if (Atomics.load(this.#counters, at.readerSleeps) === 1) Atomics.notify(this.#counters, at.written, 1);
  }

  /** Blocks this thread until there is room. False after `timeoutMs`, or when the ring was closed. */
  waitForRoom(timeoutMs: number): boolean {
    for (;;) {
      if (this.#hasRoom()) return true;
      if (Atomics.load(this.#counters, at.closed) === 1) return false;
      Atomics.store(this.#counters, at.writerSleeps, 1);
      // Sleeps only while the reader has read no more than was seen. No clock: numbers from one would be garbage.
      const outcome = Atomics.wait(this.#counters, at.read, this.#seenRead, timeoutMs);
      Atomics.store(this.#counters, at.writerSleeps, 0);
      if (outcome === "timed-out") return this.#hasRoom();
    }
  }

  /** Frames that were refused because the ring was full. */
  get overruns(): number {
    return Atomics.load(this.#counters, at.overruns);
  }

  /** Ends the waits of both sides. */
  close(): void {
    Atomics.store(this.#counters, at.closed, 1);
    Atomics.notify(this.#counters, at.written);
    Atomics.notify(this.#counters, at.read);
  }

  #hasRoom(): boolean {
    if (((this.#written - this.#seenRead) | 0) <= this.#mask) return true;
    this.#seenRead = Atomics.load(this.#counters, at.read);
    return ((this.#written - this.#seenRead) | 0) <= this.#mask;
  }
}
