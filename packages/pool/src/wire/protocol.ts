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
  /** id */
  abort: 1,
  /** 0, "", Boot */
  boot: 2,
  /** 0, "", message for the leased module */
  message: 3,
  /** id, module URL, data: import it and call its default export */
  load: 4,
  /** id: call the module's `reset` */
  reset: 5,
  /** 0: run down and end */
  stop: 6,
  /** 0, "", memory interval: tell memory now */
  measure: 7,
  /** id is the niceness that a thread gives itself */
  nice: 8,
  /** id 1: leased from now on; id 0: back among the others */
  lease: 9,
} as const;

/** Worker to pool: `[op, id, value, microseconds of run time]`. */
export const answer = {
  done: 0,
  failed: 1,
  aborted: 2,
  warm: 3,
  warmupFailed: 4,
  message: 5,
  memory: 6,
} as const;

/** What a worker is told first. */
export interface Boot {
  /** Module name to URL; imported before the worker counts as warm. */
  readonly modules: Readonly<Record<string, string>>;
  /** Imported first, in this order: URLs, paths or bare specifiers as seen from `resolveFrom`. */
  readonly preload: readonly string[];
  readonly resolveFrom: string;
  /** Name of an exported function that is called once, after the imports. */
  readonly warmUp: string | null;
  /** URL of a module that is loaded as a leased worker's is, once; null for none. */
  readonly rehearsal: string | null;
  readonly concurrency: number;
  /** Directory of the V8 compile cache, where this Node has one. */
  readonly compileCache: string | null;
  /** Start at this niceness and go back to 0 when warm; null leaves it alone. */
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
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code: string | number | null;
  readonly cause: ErrorRecord | null;
}
