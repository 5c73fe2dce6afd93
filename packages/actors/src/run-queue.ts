import type { Cell } from "./cell.ts";
import { DEAD, NOT_RECEIVING, QUEUED, SIGNALS, NOT_LISTENING } from "./flags.ts";
import type { Host } from "./host.ts";
import { run } from "./run.ts";

/** How long the runtime may keep the event loop to itself. */
export interface SliceLimits {
  /** Messages handled before the event loop gets its turn. @default 4096 */
  readonly messages: number;
  /** About this long, likewise; the clock is read every so many messages only. @default 1 */
  readonly durationMs: number;
  /** Messages that one actor handles before the next one's turn. @default 128 */
  readonly perActor: number;
  /** For tests: a number in [0, 1) that says which of the ready actors is next. @default the one ready longest */
  readonly draw?: () => number;
}

/** Between two looks at the clock at most this many messages are handled, and at first only the fewest. */
const longestStride = 256;
const shortestStride = 16;

/**
 * All actors that have something to do, linked through the cells themselves. Actors take turns in the order in which
 * they got something to do. The first turn comes by microtask, soon; when the slice is used up the next one comes
 * after the event loop's timers and I/O.
 */
export class RunQueue {
  readonly #host: Host;
  readonly #limits: SliceLimits;
  #first: Cell | null = null;
  #last: Cell | null = null;
  /** A slice is running or will run. */
  #awake = false;
  #stride = shortestStride;
  /** What is left of the slice that several quick wake-ups share until the event loop has had its turn. */
  #messagesLeft: number;
  #spentMs = 0;
  handled = 0;
  slices = 0;

  constructor(host: Host, limits: SliceLimits) {
    this.#host = host;
    this.#limits = limits;
    this.#messagesLeft = limits.messages;
  }

  get isIdle(): boolean {
    return this.#first === null;
  }

  /** Queues a cell that is not queued. */
  add(cell: Cell): void {
    cell.flags |= QUEUED;
    if (this.#last === null) this.#first = cell;
    else this.#last.next = cell;
    this.#last = cell;
    if (!this.#awake) this.#wake();
  }

  #wake(): void {
    this.#awake = true;
    if (this.#messagesLeft > 0 && this.#spentMs < this.#limits.durationMs) this.#host.soon(this.#slice);
    else this.#host.later(this.#freshSlice);
  }

  readonly #freshSlice = (): void => {
    this.#messagesLeft = this.#limits.messages;
    this.#spentMs = 0;
    this.#slice();
  };

  readonly #slice = (): void => {
    const startMs = this.#host.nowMs() - this.#spentMs;
    this.slices += 1;
    let untilLook = Math.min(this.#stride, shortestStride);
    let lookedMs = startMs + this.#spentMs;
    while (this.#first !== null && this.#messagesLeft > 0) {
      if (this.#limits.draw !== undefined) this.#bringForward(this.#limits.draw());
      const cell = this.#first;
      this.#first = cell.next;
      cell.next = null;
      if (this.#first === null) this.#last = null;
      const limit = Math.min(this.#limits.perActor, untilLook, this.#messagesLeft);
      const handled = run(cell, limit);
      this.#requeue(cell);
      this.handled += handled;
      // A turn that only handled signals counts too, or they could keep the loop for ever.
      const cost = handled === 0 ? 1 : handled;
      this.#messagesLeft -= cost;
      untilLook -= cost;
      if (untilLook <= 0) {
        const nowMs = this.#host.nowMs();
        if (nowMs - startMs >= this.#limits.durationMs) break;
        this.#adapt((nowMs - lookedMs) / this.#limits.durationMs);
        lookedMs = nowMs;
        untilLook = this.#stride;
      }
    }
    if (this.#first === null) {
      this.#awake = false;
      this.#spentMs = this.#host.nowMs() - startMs;
    } else this.#host.later(this.#freshSlice);
  };

  /** Moves the cell that `share` of the queue stands before to its front. */
  #bringForward(share: number): void {
    let size = 0;
    for (let cell = this.#first; cell !== null; cell = cell.next) size += 1;
    let before: Cell | null = null;
    let cell = this.#first as Cell;
    for (let skip = Math.floor(share * size); skip > 0; skip -= 1) {
      before = cell;
      cell = cell.next as Cell;
    }
    if (before === null) return;
    before.next = cell.next;
    if (cell.next === null) this.#last = before;
    cell.next = this.#first;
    this.#first = cell;
  }

  /** Looks at the clock more often while messages are slow, less often while they are quick. */
  #adapt(usedShare: number): void {
    if (usedShare > 0.25) this.#stride = Math.max(1, this.#stride >> 2);
    else if (usedShare < 0.06) this.#stride = Math.min(longestStride, this.#stride * 2);
  }

  #requeue(cell: Cell): void {
    const { flags } = cell;
    const more =
      (cell.count > 0 && (flags & NOT_RECEIVING) === 0) || ((flags & SIGNALS) !== 0 && (flags & NOT_LISTENING) === 0);
    if (!more || (flags & DEAD) !== 0) {
      cell.flags = flags & ~QUEUED;
      return;
    }
    if (this.#last === null) this.#first = cell;
    else this.#last.next = cell;
    this.#last = cell;
  }
}
