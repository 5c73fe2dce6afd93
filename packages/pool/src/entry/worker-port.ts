import type { Transferable } from "node:worker_threads";
import type { Batch } from "../wire/protocol.ts";

/** What the code inside a worker needs from its placement. */
export interface WorkerPort {
  post(batch: Batch, transfer: Transferable[] | null): void;
  postBytes(bytes: Uint8Array): void;
  /** Notes durably, at once, that this task begins: the pool reads it when the worker has died. */
  noteStarted(id: number): void;
  /** Bytes that only this worker holds. */
  memoryBytes(): number;
  /** Ends the worker in order. */
  end(): void;
}
