import type { Transferable } from "node:worker_threads";

/** Settings of one task. */
export interface RunOptions {
  /** Gives up: in the queue at once; while running the task's own signal aborts, and after `abortGraceMs` its worker is ended. */
  readonly signal?: AbortSignal;
  /** From being sent to a worker; then as with `signal`. @default none */
  readonly timeoutMs?: number;
  /** Higher goes first, by as much as `queue.ageingMs` says. @default 0 */
  readonly priority?: number;
  /** Objects that are handed over instead of copied (threads). */
  readonly transfer?: readonly Transferable[];
  /** Tasks of one key go to one worker, in order of rank. */
  readonly key?: string;
}
