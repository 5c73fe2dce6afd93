import type { Transferable } from "node:worker_threads";
import type { Batch } from "../wire/protocol.ts";

/** What the code inside a worker needs from its placement. */
export interface WorkerPort {
  post(batch: Batch, transfer: Transferable[] | null): void;
  postBytes(bytes: Uint8Array): void;
  /**
   * Notes durably, at once, that this task begins: the pool reads it when the worker has died, or when it wants to take
   * the task back.
   */
  noteStarted(id: number): void;
  /**
   * False when the pool has taken the task back. To be asked after the note: the pool sets its limit first and reads the
   * note second, so one of the two always sees the other.
   */
  mayGoOn(id: number): boolean;
  /** So much waits unread at the pool that messages of a leased module are refused. */
  isCongested(): boolean;
  /** Bytes that only this worker holds. */
  memoryBytes(): number;
  /** Ends the worker in order. */
  end(): void;
}
