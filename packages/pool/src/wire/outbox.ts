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
  #transfer: Transferable[] | null = null;
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
    this.#batch.push(op, id, second, third);
    if (transfer !== null) (this.#transfer ??= []).push(...transfer);
    if (this.#batch.length >= stride * mostRecords) this.flush();
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#flush);
  }

  get isEmpty(): boolean {
    return this.#batch.length === 0;
  }

  /** Sends what there is, now. */
  flush(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    const transfer = this.#transfer;
    this.#batch = [];
    this.#transfer = null;
    try {
      this.#post(batch, transfer);
    } catch (error) {
      if (batch.length === stride) this.#onFailed(batch[1] as number, batch[0] as number, error);
      else this.#postEach(batch, transfer);
    }
  }

  /** One value could not be cloned: find out which, and let the others through. */
  #postEach(batch: Batch, transfer: Transferable[] | null): void {
    for (let at = 0; at < batch.length; at += stride) {
      const record = batch.slice(at, at + stride);
      try {
        this.#post(record, transfer === null ? null : transfer.filter((one) => holds(record, one)));
      } catch (error) {
        this.#onFailed(record[1] as number, record[0] as number, error);
      }
    }
  }
}

/** Whether a record's values hold this object; looks a few levels deep, as far as people nest what they transfer. */
function holds(value: unknown, wanted: Transferable, depth = 0): boolean {
  if (value === wanted) return true;
  if (ArrayBuffer.isView(value)) return value.buffer === wanted;
  if (typeof value !== "object" || value === null || depth > 6) return false;
  return Object.values(value).some((part) => holds(part, wanted, depth + 1));
}
