import type { PoolError } from "./failure.ts";
import type { Metrics } from "./metrics.ts";
import type { PoolPlan } from "./options.ts";
import type { Size } from "./sizing.ts";
import type { Supervision } from "./supervision.ts";
import type { WarmupGate } from "./warmup-gate.ts";
import type { WorkerExit } from "./worker/link.ts";
import type { PoolWorker, WorkerOwner } from "./worker/pool-worker.ts";

/** What shared workers and spares know of the fleet that they belong to. */
export interface Home {
  readonly plan: PoolPlan;
  readonly metrics: Metrics;
  readonly gate: WarmupGate;
  readonly supervision: Supervision;
  readonly cores: number;
  /** Null until it is decided. */
  readonly size: Size | null;
  readonly isClosing: boolean;
  /** Resolves when workers can be started: what they begin with is there. */
  readonly prepared: Promise<void>;
  /** The error of the last warm-up, wrapped, while none has succeeded since. */
  readonly warmupFailure: PoolError | null;
  /** Its shared workers, for what all of its workers together may be. */
  readonly shared: { readonly slots: number };
  /** Starts one worker for `owner`. */
  start(owner: WorkerOwner, niced: boolean): PoolWorker;
  /** Adds a seat to the tree without anybody waiting for it. */
  add(seat: Parameters<Supervision["add"]>[0]): void;
  /** Starts something of which failures are told by the gate and the events. */
  addSoon(start: () => Promise<void>): void;
  noteWarm(worker: PoolWorker): void;
  noteWarmupFailure(what: string, error: Error): PoolError;
  noteGone(worker: PoolWorker, exit: WorkerExit): void;
  /** Why a worker is to be replaced although it is well, or null; for its age and growth not while `mustWait` says so. */
  whyRecycle(worker: PoolWorker, mustWait?: () => boolean): string | null;
  /** A real-time lease began: whoever is not one steps back. */
  realTimeBegan(worker: PoolWorker): void;
  realTimeEnded(worker: PoolWorker): void;
}
