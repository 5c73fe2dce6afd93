import { Fifo } from "../queue/fifo.ts";

/** Counts restarts in a sliding window: more than `restarts` in `periodMs` are too many. */
export class RestartBudget {
  readonly restarts: number;
  readonly periodMs: number;
  readonly #times = new Fifo<number>();

  constructor(restarts: number, periodMs: number) {
    this.restarts = restarts;
    this.periodMs = periodMs;
  }

  /** Counts one restart; false when it is one too many. */
  spend(nowMs: number): boolean {
    const times = this.#times;
    const sinceMs = nowMs - this.periodMs;
    for (let first = times.peek(); first !== undefined && first < sinceMs; first = times.peek()) times.shift();
    times.push(nowMs);
    return times.size <= this.restarts;
  }
}
