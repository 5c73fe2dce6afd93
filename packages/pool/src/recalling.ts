import type { Pending } from "./worker/pending.ts";
import type { PoolWorker } from "./worker/pool-worker.ts";

/** A worker that has answered nothing for this long is not quick any more. */
const suddenlyLongMs = 5;

/**
 * Takes quick tasks back that were sent ahead to a worker which then got stuck behind one that takes long, so that other
 * workers do them. Looks every 5 ms, and only while tasks are sent ahead.
 */
export class Recalling {
  readonly #workers: () => readonly PoolWorker[];
  readonly #concurrency: number;
  readonly #takeBack: (tasks: Pending[]) => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(workers: () => readonly PoolWorker[], concurrency: number, takeBack: (tasks: Pending[]) => void) {
    this.#workers = workers;
    this.#concurrency = concurrency;
    this.#takeBack = takeBack;
  }

  /** A task was sent beyond what its worker runs at a time. */
  watch(): void {
    this.#timer ??= setTimeout(() => this.#look(), suddenlyLongMs).unref();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #look(): void {
    this.#timer = null;
    const workers = this.#workers();
    const ahead = workers.filter((worker) => worker.state.kind === "warm" && worker.inFlight > this.#concurrency);
    if (ahead.length === 0) return;
    const stuckSinceMs = performance.now() - suddenlyLongMs;
    const isStuck = (worker: PoolWorker): boolean => worker.lastAnswerMs < stuckSinceMs;
    // Without somebody who gets on there is nobody to take them.
    if (workers.some((worker) => worker.state.kind === "warm" && (worker.inFlight === 0 || !isStuck(worker))))
      for (const worker of ahead) if (isStuck(worker)) this.#takeBack(worker.recall());
    this.watch();
  }
}
