/** What users import: define apps in code, and a typed client of the daemon. */
export { app, defineApps, type DefinedApp, isDefinedApp } from "./define/app.ts";
export {
  type ApplyOptions,
  type CallOptions,
  Constellation,
  constellation,
  type EventOptions,
  type HealthyOptions,
  type InitOptions,
  type LogOptions,
  type MonitorOptions,
} from "./constellation.ts";
export { currentPlaces, daemonFlags, daemonProgram, daemonSettings } from "./daemon/locate.ts";
export { givenDuration, givenInterval } from "./duration.ts";
export { loadApps, type LoadedApps } from "./spec/load.ts";
export type { Snapshot } from "./apps/progress.ts";
export type { Exec, ExecExit, ExecOptions, ExecOutput } from "./client/exec.ts";
export {
  type AppInput,
  type AppSpec,
  type AppSummary,
  type BackoffInput,
  type Change,
  ConstellationError,
  type DependencyCondition,
  type ErrorCode,
  type ErrorKind,
  type ErrorTraits,
  type Event,
  type ExitCodeName,
  exitCodes,
  type Exit,
  type Feature,
  type HealthInput,
  type Instance,
  type InstanceDetails,
  type InstanceProcess,
  type InstanceState,
  type InstanceStatus,
  type IoInput,
  type IsolationInput,
  type LogLine,
  type LogsInput,
  type Measure,
  type MountInput,
  type NodeInfo,
  type PortInput,
  type ProbeInput,
  type ResourcesInput,
  type RestartInput,
  type RestartPolicyName,
  type Sample,
  type StopInput,
  type Version,
} from "@constellation/contract";
