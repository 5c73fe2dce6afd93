/** Warm workers in threads and processes: ready before they are asked, and kept that way. */
export { createPool, Pool, type TaskData, type TaskResult, type Tasks, type TasksWithoutData } from "./pool.ts";
export type { PoolOptions, WhenGone } from "./options.ts";
export type { RunOptions } from "./run-options.ts";
export type { LeaseOptions } from "./lease-options.ts";
export type { CallOptions, Lease, Release } from "./lease.ts";
export type { Channel } from "./channel.ts";
export type { TaskContext, TaskFunction } from "./entry/task-context.ts";
export { placeByTraits, type Placement, type PlacementPolicy, type PoolModule, type Traits } from "./placement.ts";
export { PoolError, type PoolErrorCode } from "./failure.ts";
export type { LeasePath, PoolEvent } from "./events.ts";
export type { FleetSnapshot, WorkerSnapshot } from "./snapshot.ts";
export { Histogram, type Quantiles } from "./measure/histogram.ts";
export type { WorkerExit } from "./worker/link.ts";
export { createRing, type FrameView, type SharedRing } from "./ring/layout.ts";
export { RingReader, type RingReaderOptions } from "./ring/ring-reader.ts";
export { RingWriter } from "./ring/ring-writer.ts";
export { runTicks, type TickReport, type TickWatch } from "./latency/ticker.ts";
