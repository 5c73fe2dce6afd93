import type { Transferable } from "node:worker_threads";
import type { Channel } from "../channel.ts";

/** The second argument of every task. */
export interface TaskContext {
  /** Aborts when the caller gave up: by its signal or its timeout. */
  readonly signal: AbortSignal;
  /** Hands these objects over with the result instead of copying them. Without effect in a process. */
  readonly transfer: (...objects: Transferable[]) => void;
  /** To whoever leased this worker; null in a shared worker. */
  readonly channel: Channel | null;
}

/** A task: one argument in, one value (or a promise of it) out. */
export type TaskFunction = (data: never, context: TaskContext) => unknown;

/** The context of one running task; what most tasks never ask for is made on demand. */
export class RunningTask implements TaskContext {
  readonly id: number;
  readonly channel: Channel | null;
  transfers: Transferable[] | null = null;
  #aborting: AbortController | null = null;

  constructor(id: number, channel: Channel | null) {
    this.id = id;
    this.channel = channel;
  }

  get signal(): AbortSignal {
    return (this.#aborting ??= new AbortController()).signal;
  }

  /** Made for whoever asks, so that it can be taken out of the context. */
  get transfer(): (...objects: Transferable[]) => void {
    return (...objects) => void (this.transfers ??= []).push(...objects);
  }

  abort(): void {
    (this.#aborting ??= new AbortController()).abort();
  }
}
