import { Anticipation } from "./anticipation.ts";
import { Bell } from "./bell.ts";
import { at, countersOf, mostLooks, slotsOf, type FrameView, type SharedRing } from "./layout.ts";
import { Patience } from "../patience.ts";

/** Looks between two looks at the clock. */
const looksPerClock = 64;

/** Settings of a reader. */
export interface RingReaderOptions {
  /**
   * For streams with a steady period of 1.5 to 100 ms: `wait` learns it, wakes up 0.05 to 0.3 ms before a frame is due and
   * looks for it, at most until 0.1 ms after. Costs a fifth of a core at most, at 5.8 ms 1 to 4 %; for one reader on a core
   * to spare.
   * @default false
   */
  readonly anticipates?: boolean;
}

/** The one thread that reads from a ring. Nothing here allocates per frame, but `waitAsync`. */
export class RingReader<View = Uint8Array> {
  readonly #counters: Int32Array;
  readonly #slots: View[];
  readonly #mask: number;
  readonly #ours: Bell;
  readonly #theirs: Bell;
  readonly #patience = new Patience(mostLooks);
  readonly #anticipation: Anticipation | null;
  #read: number;
  #seenWritten: number;
  /** When the last frame came that was looked for; -1 when it is known already. */
  #cameMs = -1;

  constructor(ring: SharedRing, view: FrameView<View>, { anticipates = false }: RingReaderOptions = {}) {
    this.#anticipation = anticipates ? new Anticipation() : null;
    this.#counters = countersOf(ring);
    this.#slots = slotsOf(ring, view);
    this.#mask = ring.frames - 1;
    this.#ours = new Bell(this.#counters, at.readerSleeps);
    this.#theirs = new Bell(this.#counters, at.writerSleeps);
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
    this.#theirs.ring();
  }

  /**
   * Blocks this thread until there is a frame. False after `timeoutMs` (after twice that at most, when it was woken in
   * vain), or when the ring was closed and is empty. Before it sleeps it looks `spins` times, of some 10 ns each,
   * or at -1 as often as has paid so far.
   */
  wait(timeoutMs: number, spins = -1): boolean {
    if (this.#hasFrame() || this.#look(spins)) return true;
    if (this.#anticipation === null) return this.#sleep(timeoutMs);
    if (this.#anticipate(this.#anticipation, timeoutMs)) return true;
    const hasFrame = this.#sleep(timeoutMs);
    if (hasFrame) this.#anticipation.came(performance.now());
    return hasFrame;
  }

  /** Like `wait`, without blocking: for a thread that has an event loop to serve. It does not keep that alive by itself. */
  async waitAsync(timeoutMs: number): Promise<boolean> {
    if (this.#hasFrame()) return true;
    for (let inTime = true; inTime;) {
      this.#ours.arm();
      if (this.#isOver()) return this.#hasFrame();
      inTime = await this.#ours.sleepAsync(timeoutMs);
    }
    return this.#hasFrame();
  }

  /** Times that `take` found nothing; after 2^32 it begins again. */
  get underruns(): number {
    return Atomics.load(this.#counters, at.underruns) >>> 0;
  }

  /** Ends the waits of both sides. */
  close(): void {
    Atomics.store(this.#counters, at.closed, 1);
    this.#ours.ring();
    this.#theirs.ring();
  }

  #sleep(timeoutMs: number): boolean {
    // No clock here: numbers from one would be garbage.
    for (let inTime = true; inTime;) {
      this.#ours.arm();
      if (this.#isOver()) return this.#hasFrame();
      inTime = this.#ours.sleep(timeoutMs);
    }
    return this.#hasFrame();
  }

  /** Sleeps until shortly before a frame is due, then looks for it. */
  #anticipate(anticipation: Anticipation, timeoutMs: number): boolean {
    // What was anticipated is thought about now: then it would have made the reader wait.
    if (this.#cameMs >= 0) anticipation.came(this.#cameMs);
    this.#cameMs = -1;
    const sleepMs = anticipation.sleepMs(performance.now());
    if (sleepMs === 0 || sleepMs > timeoutMs) return false;
    this.#ours.arm();
    if (this.#isOver()) return this.#hasFrame();
    this.#ours.sleep(sleepMs);
    let nowMs = performance.now();
    anticipation.woke(!this.#hasFrame());
    do {
      for (let looks = 0; looks < looksPerClock; looks += 1)
        if (this.#hasFrame()) {
          this.#cameMs = nowMs;
          return true;
        }
      nowMs = performance.now();
    } while (anticipation.goesOn(nowMs));
    return false;
  }

  /** Looks again and again, `spins` times or as often as experience says. */
  #look(spins: number): boolean {
    const most = spins < 0 ? this.#patience.begin() : spins;
    for (let looks = 0; looks < most; looks += 1)
      if (this.#hasFrame()) {
        this.#patience.paid();
        return true;
      }
    this.#patience.wasInVain();
    return false;
  }

  /** Whether there is nothing to wait for (any more). */
  #isOver(): boolean {
    if (!this.#hasFrame() && Atomics.load(this.#counters, at.closed) === 0) return false;
    this.#ours.disarm();
    return true;
  }

  #hasFrame(): boolean {
    if (this.#seenWritten !== this.#read) return true;
    this.#seenWritten = Atomics.load(this.#counters, at.written);
    return this.#seenWritten !== this.#read;
  }
}
