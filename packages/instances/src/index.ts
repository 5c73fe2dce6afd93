/** One instance: how it is run (drivers), its life (lifecycle), how its health is found out (probes). */
export { type Clock, systemClock } from "./driver/clock.ts";
export type { CallOptions, Driver, FoundRun, Recovery, RunHandle, RunLogLine } from "./driver/driver.ts";
export type { ExecOutput, ExecRequest, ExecSession } from "./driver/exec.ts";
export type { PortBinding } from "./driver/port-binding.ts";
export { emptyReading, type Look, type Reading } from "./driver/reading.ts";
export { DriverRegistry } from "./driver/registry.ts";
export { noNotes, type RunFacts, type RunNotes, type StartPath } from "./driver/run-facts.ts";
export { isRunId, newRunId } from "./driver/run-id.ts";
export { instanceName, type ResolvedRun, type StartRequest } from "./driver/start-request.ts";
export { type End, type EndContext, toExit } from "./driver/to-exit.ts";
export type { LifecycleEffect, LifecycleEvent } from "./lifecycle/event.ts";
export type { Step } from "./lifecycle/launch.ts";
export {
  countOf,
  type LifeLeft,
  type Lifecycle,
  newLifecycle,
  noRestarts,
  type Phase,
  type RestartCount,
  type Rules,
  runOf,
  type StopCause,
} from "./lifecycle/lifecycle.ts";
export { step, wakeAt, type WantedProbes, wantedProbes } from "./lifecycle/step.ts";
export { view } from "./lifecycle/view.ts";
export { FakeDriver } from "./fake/driver.ts";
export { ManualClock } from "./fake/manual-clock.ts";
export { type CrashPoint, type FakeRun, FakeWorld } from "./fake/world.ts";
export { Instance, type InstanceOptions, type LaunchedRun } from "./lifecycle/instance.ts";
export { type InstanceSpec, rulesOf } from "./lifecycle/instance-spec.ts";
export type { InstanceObserver } from "./lifecycle/observer.ts";
export type { ProbePurpose } from "./probes/instance-probes.ts";
export { countResult, noResults, type ProbeCount } from "./probes/probe-count.ts";
export { settleRun } from "./lifecycle/settle-run.ts";
export type { StockBudget } from "./process/slot/plan-stock.ts";
export { defaultStockBudget, noSlots } from "./process/slot/slot-stock.ts";
export type { IsolationLane } from "./process/abilities.ts";
export { ProcessDriver, type ProcessDriverOptions } from "./process/process-driver.ts";
export { WorkerDriver, type WorkerDriverOptions } from "./worker/worker-driver.ts";
export { followLog, type FollowOptions } from "./logs/follow-log.ts";
export { logEnd, logFiles, type LogFile, type LogPosition } from "./logs/log-files.ts";
export { LineJoiner } from "./logs/line-joiner.ts";
