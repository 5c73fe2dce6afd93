import { Bell } from "./bell.ts";
import { at, countersOf, mostLooks, slotsOf, type FrameView, type SharedRing } from "./layout.ts";
import { Patience } from "../patience.ts";

/** The one thread that writes into a ring. Nothing here allocates per frame. */
export class RingWriter<View = Uint8Array> {
  readonly #counters: Int32Array;
  readonly #slots: View[];
  readonly #mask: number;
  readonly #ours: Bell;
  readonly #theirs: Bell;
  readonly #patience = new Patience(mostLooks);
  #written: number;
  /** What the reader had read when it was last looked at: its cache line is fetched only when the ring seems full. */
  #seenRead: number;

  constructor(ring: SharedRing, view: FrameView<View>) {
    this.#counters = countersOf(ring);
    this.#slots = slotsOf(ring, view);
    this.#mask = ring.frames - 1;
    this.#ours = new Bell(this.#counters, at.writerSleeps);
    this.#theirs = new Bell(this.#counters, at.readerSleeps);
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
    this.#theirs.ring();
  }

  /** Blocks this thread until there is room. False after `timeoutMs`, or when the ring was closed; as `RingReader.wait`. */
  waitForRoom(timeoutMs: number, spins = -1): boolean {
    if (this.#hasRoom() || this.#look(spins)) return true;
    for (let inTime = true; inTime;) {
      this.#ours.arm();
      if (this.#isOver()) return this.#hasRoom();
      inTime = this.#ours.sleep(timeoutMs);
    }
    return this.#hasRoom();
  }

  /** Frames that were refused because the ring was full; after 2^32 it begins again. */
  get overruns(): number {
    return Atomics.load(this.#counters, at.overruns) >>> 0;
  }

  /** Ends the waits of both sides. */
  close(): void {
    Atomics.store(this.#counters, at.closed, 1);
    this.#ours.ring();
    this.#theirs.ring();
  }

  /** Looks again and again, `spins` times or as often as experience says. */
  #look(spins: number): boolean {
    const most = spins < 0 ? this.#patience.begin() : spins;
    for (let looks = 0; looks < most; looks += 1)
      if (this.#hasRoom()) {
        this.#patience.paid();
        return true;
      }
    this.#patience.wasInVain();
    return false;
  }

  /** Whether there is nothing to wait for (any more). */
  #isOver(): boolean {
    if (!this.#hasRoom() && Atomics.load(this.#counters, at.closed) === 0) return false;
    this.#ours.disarm();
    return true;
  }

  #hasRoom(): boolean {
    if (((this.#written - this.#seenRead) | 0) <= this.#mask) return true;
    this.#seenRead = Atomics.load(this.#counters, at.read);
    return ((this.#written - this.#seenRead) | 0) <= this.#mask;
  }
}
