import type { Clock } from "../driver/clock.ts";

interface Waiting {
  readonly at: number;
  readonly task: () => void;
}

/** A clock that moves only when told. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #waiting = new Set<Waiting>();

  constructor(nowMs = 1_800_000_000_000) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): { cancel(): void } {
    const entry: Waiting = { at: this.#nowMs + Math.max(0, delayMs), task };
    this.#waiting.add(entry);
    return { cancel: () => void this.#waiting.delete(entry) };
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Moves on by `ms`, timer by timer; promises get their turn after each, so that what they arm is in time too. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    await turn();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#waiting.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.at);
      next.task();
      await turn();
    }
    this.#nowMs = end;
  }

  #next(end: number): Waiting | undefined {
    let first: Waiting | undefined;
    for (const entry of this.#waiting)
      if (entry.at <= end && (first === undefined || entry.at < first.at)) first = entry;
    return first;
  }
}

/** A macrotask: everything that hangs on settled promises has run after it. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
