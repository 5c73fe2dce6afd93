import type { Cell } from "../cell/cell.ts";
import { NOT_LISTENING, NOT_RECEIVING, QUEUED, SIGNALS } from "../cell/flags.ts";
import type { Host } from "../host.ts";
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

  /** Queues a cell that is not queued. */
  add(cell: Cell): void {
    cell.flags |= QUEUED;
    this.#append(cell);
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
    const nowMs = this.#host.nowMs();
    const untilLook = Math.min(this.#stride, shortestStride);
    const clock: SliceClock = { startMs: nowMs - this.#spentMs, lookedMs: nowMs, untilLook };
    this.slices += 1;
    let isTimeLeft = true;
    while (this.#first !== null && this.#messagesLeft > 0 && isTimeLeft) {
      if (this.#limits.draw !== undefined) this.#bringForward(this.#limits.draw());
      const cell = this.#first;
      this.#first = cell.next;
      cell.next = null;
      if (this.#first === null) this.#last = null;
      isTimeLeft = this.#turn(cell, clock);
      if (isReady(cell)) this.#append(cell);
      else cell.flags &= ~QUEUED;
    }
    if (this.#first === null) {
      this.#awake = false;
      this.#spentMs = this.#host.nowMs() - clock.startMs;
    } else this.#host.later(this.#freshSlice);
  };

  /** Gives one actor its turn, with looks at the clock in between; false when the slice has used up its time. */
  #turn(cell: Cell, clock: SliceClock): boolean {
    // What it sends itself meanwhile waits for its next turn: that is how an actor gives way to others.
    let quota = Math.min(this.#limits.perActor, Math.max(1, cell.count));
    do {
      const handled = run(cell, Math.min(quota, clock.untilLook, this.#messagesLeft));
      this.handled += handled;
      // A turn that only handled signals counts too, or they could keep the loop for ever.
      const cost = handled === 0 ? 1 : handled;
      quota -= cost;
      this.#messagesLeft -= cost;
      clock.untilLook -= cost;
      if (clock.untilLook <= 0 && !this.#look(clock)) return false;
    } while (quota > 0 && this.#messagesLeft > 0 && isReady(cell));
    return true;
  }

  /** Looks at the clock: false when the slice is over. */
  #look(clock: SliceClock): boolean {
    const nowMs = this.#host.nowMs();
    if (nowMs - clock.startMs >= this.#limits.durationMs) return false;
    this.#adapt((nowMs - clock.lookedMs) / this.#limits.durationMs);
    clock.lookedMs = nowMs;
    clock.untilLook = this.#stride;
    return true;
  }

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

  #append(cell: Cell): void {
    if (this.#last === null) this.#first = cell;
    else this.#last.next = cell;
    this.#last = cell;
  }
}

/** When a slice began, and when to look at the clock again. */
interface SliceClock {
  readonly startMs: number;
  lookedMs: number;
  /** Messages. */
  untilLook: number;
}

function isReady(cell: Cell): boolean {
  const { flags } = cell;
  if (cell.count > 0 && (flags & NOT_RECEIVING) === 0) return true;
  return (flags & SIGNALS) !== 0 && (flags & NOT_LISTENING) === 0;
}
