/** What can go wrong in a pool. Stable: programs may branch on it. */
export type PoolErrorCode =
  /** A setting that cannot be; the user must change it. */
  | "options-invalid"
  /** Work that may spawn children or crash natively was put where it would take others down. */
  | "placement-refused"
  /** A module or the warm-up function failed while a worker was made ready. Retried with backoff. */
  | "warmup-failed"
  /** The queue is full: slow down, see `whenRoom`. */
  | "queue-full"
  /** No warm worker came free before the deadline. */
  | "queue-deadline"
  /** No spare is left and the caller wanted no wait. */
  | "no-spare"
  /** Admitting this would break a declared latency budget. */
  | "admission-refused"
  /** The task ran longer than its `timeoutMs`. */
  | "task-timeout"
  /** No such task in the module. */
  | "task-unknown"
  /** Data or a result that cannot be copied to another thread or process. */
  | "not-cloneable"
  /** The worker ended while it ran the task. */
  | "worker-crashed"
  /** The worker ran out of memory while it ran the task. */
  | "worker-out-of-memory"
  /** The lease was given back before. */
  | "lease-over"
  /** More is waiting to be sent to a worker than it reads. */
  | "channel-full"
  | "pool-closed";

/** A pool could not do what it was asked to do; `code` says why. */
export class PoolError extends Error {
  override readonly name = "PoolError";
  readonly code: PoolErrorCode;
  /** True when the same call can work later. */
  readonly retryable: boolean;

  constructor(code: PoolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = retryableCodes.has(code);
  }
}

const retryableCodes: ReadonlySet<PoolErrorCode> = new Set([
  "warmup-failed",
  "queue-full",
  "queue-deadline",
  "no-spare",
  "admission-refused",
  "channel-full",
]);
