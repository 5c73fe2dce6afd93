import type { Bundle } from "../entry/bundled-modules.ts";

/**
 * What crosses between a pool and its workers: flat arrays of records of four values, many records in one message.
 * A flat array is the cheapest thing to clone, and one message per turn of the event loop the cheapest way to wake.
 */
export type Batch = unknown[];

/** Values per record. */
export const stride = 4;

/** Pool to worker: `[op, id, name or text, data]`. */
export const order = {
  /** id, task name, data */
  run: 0,
  /** The same; nothing else is at the worker, so this one is never taken back. */
  runFirst: 1,
  /** The same; nothing else is in its whole pool either, so the next one is likely to come as soon as this is answered. */
  runAlone: 2,
  /** id */
  abort: 3,
  /** 0, "", Boot */
  boot: 4,
  /** 0, "", message for the leased module */
  message: 5,
  /** id, module URL, data: import it and call its default export */
  load: 6,
  /** id: call the module's `reset` */
  reset: 7,
  /** 0: run down and end */
  stop: 8,
  /** 0: tell memory now */
  measure: 9,
  /** id is the niceness that a thread gives itself */
  nice: 10,
  /** id above 0: leased from now on, by the lease of this number; id 0: back among the others */
  lease: 11,
} as const;

/** Worker to pool: `[op, id, value, microseconds of run time]`. */
export const answer = {
  done: 0,
  failed: 1,
  aborted: 2,
  /** Not begun, as the pool took it back. */
  skipped: 3,
  warm: 4,
  warmupFailed: 5,
  message: 6,
  memory: 7,
  /** value is what is imported or called next while it warms up: told in case that ends it. */
  warming: 8,
  /** id is that of the lease order: what comes from now on is of this lease; told with the first that comes */
  leased: 9,
} as const;

/** A sender does not fill one message with more records. */
export const mostRecords = 1024;

/** More messages between threads wait unread than this, and no more are sent. */
export const mostUnread = 256;

/** Where two words of 32 bits are that a pool and its worker share, whatever becomes of either. */
export const beginningsAt = {
  /** Written by the worker: the last task that began. */
  started: 0,
  /** Written by the pool: tasks with higher ids must not begin. */
  limit: 1,
} as const;

/** The limit that is none. */
export const unlimited = 2 ** 31 - 1;

/** Whether a task may begin under this limit. Where there is none, ids may be higher than the word can hold. */
export function isWithin(limit: number, id: number): boolean {
  return id <= limit || limit === unlimited;
}

/** Two more between threads: how many messages each side has read. Sockets know by themselves how full they are. */
export const readingsAt = { byWorker: 2, byPool: 3 } as const;

/** What a worker is told first. */
export interface Boot {
  /** Module name to URL; imported before the worker counts as warm. */
  readonly modules: Readonly<Record<string, string>>;
  /** The bundle that may have them in itself. */
  readonly bundle: Bundle | null;
  /** Imported first, in this order: URLs, paths or bare specifiers as seen from `resolveFrom`. */
  readonly preload: readonly string[];
  readonly resolveFrom: string;
  /** Name of an exported function that is called once, after the imports. */
  readonly warmUp: string | null;
  readonly concurrency: number;
  /** Directory of the V8 compile cache, where this Node has one. */
  readonly compileCache: string | null;
  /** The niceness that a thread begins with, until it is told another; null leaves it alone. A process is niced from outside. */
  readonly nicenessUntilWarm: number | null;
}

/** A worker's first good news. */
export interface WarmReport {
  /** Bytes that this worker alone holds: its heaps and buffers in a thread, private pages in a process. */
  readonly memoryBytes: number;
  readonly tasks: readonly string[];
  readonly compileCache: "on" | "off" | "refused-by-node" | "not-in-this-node";
}

/** Why a worker did not get warm. */
export interface WarmupFailure {
  /** The module, preload or function that failed. */
  readonly what: string;
  readonly error: ErrorRecord;
}

/** An error in a form that survives every kind of copying. */
export interface ErrorRecord {
  /** The class of the language that it is an instance of. */
  readonly base: string;
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code: string | number | null;
  readonly cause:
    | { readonly kind: "error"; readonly record: ErrorRecord }
    | { readonly kind: "value"; readonly value: unknown }
    | null;
  /** What an `AggregateError` holds. */
  readonly errors: readonly ErrorRecord[] | null;
  /** Its other own properties, as far as they can be copied. */
  readonly extras: Readonly<Record<string, unknown>>;
}
