/** Desired state in, allocations out: checks and writes what users want, then reconciles level-triggered until it is so. */
export { change, schedulerActor, type SchedulerMessage } from "./actor.ts";
export { notFound, type PortOpener, Scheduler, type SchedulerParts } from "./scheduler.ts";
export { Snapshot } from "./snapshot.ts";
export type { ArtifactLookup } from "./check-files.ts";
