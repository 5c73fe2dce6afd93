import { onAbort } from "./on-abort.ts";
import type { PoolWorker } from "./worker/pool-worker.ts";

/** What somebody who waits for a worker wants. */
export interface Wish {
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  /** Promised time per tick of a real-time lease; 0 for others. */
  readonly costMs: number;
  readonly give: (worker: PoolWorker) => void;
  readonly refuse: (reason: unknown) => void;
  /** The error when the deadline has passed. */
  readonly late: () => unknown;
}

/** Those who wait for a worker: first come, first served; each until its deadline or its signal. */
export class WaitingLine {
  /** In the order in which they came; with how each stops waiting. */
  readonly #wishes = new Map<Wish, () => void>();

  get size(): number {
    return this.#wishes.size;
  }

  /** Costs per tick of the real-time leases that are waited for. */
  get costsMs(): number[] {
    return [...this.#wishes.keys()].flatMap(({ costMs }) => (costMs > 0 ? [costMs] : []));
  }

  add(wish: Wish): void {
    const { signal } = wish;
    const timer = setTimeout(() => this.#refuse(wish, wish.late()), wish.deadlineMs);
    const ignore = signal === undefined ? null : onAbort(signal, () => this.#refuse(wish, signal.reason));
    this.#wishes.set(wish, () => {
      clearTimeout(timer);
      ignore?.();
    });
  }

  /** Gives a worker to who waits longest; false when nobody does. */
  give(worker: PoolWorker): boolean {
    for (const wish of this.#wishes.keys()) {
      this.#leave(wish);
      wish.give(worker);
      return true;
    }
    return false;
  }

  refuseAll(reason: unknown): void {
    for (const wish of this.#wishes.keys()) this.#refuse(wish, reason);
  }

  #refuse(wish: Wish, reason: unknown): void {
    this.#leave(wish);
    wish.refuse(reason);
  }

  #leave(wish: Wish): void {
    this.#wishes.get(wish)?.();
    this.#wishes.delete(wish);
  }
}
