/** Counts restarts in a sliding window: more than `restarts` in `periodMs` are too many. */
export class RestartBudget {
  readonly restarts: number;
  readonly periodMs: number;
  #times: number[] = [];

  constructor(restarts: number, periodMs: number) {
    this.restarts = restarts;
    this.periodMs = periodMs;
  }

  /** Counts one restart; false when it is one too many. */
  spend(nowMs: number): boolean {
    const since = nowMs - this.periodMs;
    const times = this.#times;
    let gone = 0;
    while (gone < times.length && (times[gone] as number) < since) gone += 1;
    if (gone > 0) times.splice(0, gone);
    times.push(nowMs);
    return times.length <= this.restarts;
  }

  /** Restarts that still count at `nowMs`. */
  spent(nowMs: number): number {
    return this.#times.filter((time) => time >= nowMs - this.periodMs).length;
  }
}
