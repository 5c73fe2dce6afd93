import type { Transferable } from "node:worker_threads";
import type { Batch } from "./protocol.ts";
import { mostRecords, stride } from "./protocol.ts";

/**
 * Collects records and sends them as one message at the end of the turn: after the microtasks that are queued now,
 * so that a hundred awaited replies make one message.
 */
export class Outbox {
  readonly #post: (batch: Batch, transfer: Transferable[] | null) => void;
  readonly #onFailed: (id: number, op: number, error: unknown) => void;
  #batch: Batch = [];
  /** What is handed over with the batch, by the place of its record. */
  #transfers: Map<number, readonly Transferable[]> | null = null;
  #scheduled = false;
  readonly #flush = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  /** `onFailed` is told of each record that cannot be cloned; the others of its batch are sent. */
  constructor(
    post: (batch: Batch, transfer: Transferable[] | null) => void,
    onFailed: (id: number, op: number, error: unknown) => void,
  ) {
    this.#post = post;
    this.#onFailed = onFailed;
  }

  add(op: number, id: number, second: unknown, third: unknown, transfer: readonly Transferable[] | null = null): void {
    if (transfer !== null) (this.#transfers ??= new Map()).set(this.#batch.length, transfer);
    this.addForLater(op, id, second, third);
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#flush);
  }

  /** The same for what need not be known before something else is: it travels with that. */
  addForLater(op: number, id: number, second: unknown, third: unknown): void {
    this.#batch.push(op, id, second, third);
    if (this.#batch.length >= stride * mostRecords) this.flush();
  }

  get isEmpty(): boolean {
    return this.#batch.length === 0;
  }

  /** Sends what there is, now. */
  flush(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    const transfers = this.#transfers;
    this.#batch = [];
    this.#transfers = null;
    try {
      this.#post(batch, transfers === null ? null : [...transfers.values()].flat());
    } catch (error) {
      if (batch.length === stride) this.#onFailed(batch[1] as number, batch[0] as number, error);
      else this.#postEach(batch, transfers);
    }
  }

  /** One value could not be cloned: find out which, and let the others through. */
  #postEach(batch: Batch, transfers: ReadonlyMap<number, readonly Transferable[]> | null): void {
    for (let at = 0; at < batch.length; at += stride) {
      const record = batch.slice(at, at + stride);
      const transfer = transfers?.get(at);
      try {
        this.#post(record, transfer === undefined ? null : [...transfer]);
      } catch (error) {
        this.#onFailed(record[1] as number, record[0] as number, error);
      }
    }
  }
}
