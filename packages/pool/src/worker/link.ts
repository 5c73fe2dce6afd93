import type { Transferable } from "node:worker_threads";
import type { Batch } from "../wire/protocol.ts";

/** How a worker ended. */
export type WorkerExit =
  /** It was told to end, or its work was over. */
  | { readonly kind: "ended" }
  /** By itself: exit code, uncaught error or signal. The error of a thread is here, a process has written its own to stderr. */
  | { readonly kind: "crashed"; readonly detail: string; readonly error?: Error }
  | { readonly kind: "out-of-memory"; readonly detail: string };

/** The pool's end of one worker, whatever its placement. */
export interface Link {
  /** Process id, thread id, or 0 for inline. */
  readonly id: number;
  readonly placement: "thread" | "process" | "inline";
  post(batch: Batch, transfer: Transferable[] | null): void;
  postBytes(bytes: Uint8Array): void;
  /** So much waits unread at the worker that messages of a lease are refused. */
  readonly isCongested: boolean;
  /** The last task that began, also after the worker has died; tasks begin in the order of their ids. */
  lastStarted(): number;
  /** Tasks with ids above this must not begin; `unlimited` lets all begin. Heeded from the next one on. */
  limit(id: number): void;
  /** Ends it at once, with everything it started; resolves when it is gone. */
  terminate(): Promise<void>;
  /** Sets the niceness of all its threads; false when that cannot be. */
  setNiceness(niceness: number): boolean;
  /** Lets go of what is held for a worker that has ended. */
  close(): void;
}

/** A worker that was sent so many is replaced, long before the ids do not fit into their word any more; not during a lease. */
export const mostSent = 2 ** 30;

/** Whether a worker that has noted `started` last has begun this one. One lease may send more than the word can count: it wraps. */
export function hasBegun(id: number, started: number): boolean {
  return ((id - started) | 0) <= 0;
}

/** What a link tells. */
export interface LinkEvents {
  onBatch(batch: Batch): void;
  onBytes(bytes: Uint8Array): void;
  /** Once, last. */
  onExit(exit: WorkerExit): void;
}

/** Where the built entry points are: this code runs from `src` under a test runner, the workers always from `dist`. */
export function entryUrl(name: string): URL {
  return import.meta.url.endsWith(".ts")
    ? new URL(`../../dist/entry/${name}.js`, import.meta.url)
    : new URL(`../entry/${name}.js`, import.meta.url);
}
