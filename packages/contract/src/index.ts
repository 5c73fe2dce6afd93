/** What crosses a wire or a file: schemas, routes, error codes, units, event and metric names. Runs in a browser too. */
export { type ArtifactFormat, artifactFormat, commonJsMarks } from "./artifact-format.ts";
export { type ErrorCode, errorCodes, type ErrorKind, type ErrorTraits } from "./errors/codes.ts";
export { ConstellationError, type ErrorBody, type ErrorDetails, toConstellationError } from "./errors/error.ts";
export { type ExitCodeName, exitCodes } from "./errors/exit-codes.ts";
export { formatBitrate, parseBitrate } from "./units/bitrate.ts";
export { formatBytes, parseBytes } from "./units/bytes.ts";
export { formatDuration, parseDuration } from "./units/duration.ts";
export { shellWord } from "./units/shell-word.ts";
export { appName } from "./spec/app-name.ts";
export {
  appNameSchema,
  appSchema,
  type AppSpec,
  type Dependency,
  type MountSpec,
  type RunSpec,
  type ScriptRuntime,
} from "./spec/app.ts";
export type {
  AppInput,
  BackoffInput,
  DependencyCondition,
  HealthInput,
  IoInput,
  IsolationInput,
  LogsInput,
  MountInput,
  PortInput,
  ProbeInput,
  ResourcesInput,
  RestartInput,
  RestartPolicyName,
  StopInput,
} from "./spec/input.ts";
export { defaultIsolation, type Isolation, type Switch } from "./spec/isolation.ts";
export { mostInstances } from "./spec/most-instances.ts";
export { describeIssues, parseApp } from "./spec/parse.ts";
export type { PortSpec } from "./spec/port.ts";
export { type Health, noHealth, type Probe, type ProbeCheck, type ProbeTiming } from "./spec/probe.ts";
export { defaultPids, noLimits, type Resources } from "./spec/resources.ts";
export { defaultRestart, type RestartPolicy } from "./spec/restart.ts";
export { exitSchema } from "./instance/exit.ts";
export { instanceStateSchema, type InstanceStatus } from "./instance/state.ts";
export { scaledToNone } from "./instance/scaled-to-none.ts";
export { type EventBody, eventSchema } from "./events.ts";
export { metricNames } from "./metrics.ts";
export { longestRuntimeBytes, type Places, places } from "./places.ts";
export { decodeExecFrame, encodeExecFrame, type ExecFrame, execFrame } from "./api/exec-frames.ts";
export { readStreamError, type StreamError } from "./api/stream-error.ts";
export { bodyLimits, checkBodySize } from "./api/limits.ts";
export { type BodyForm, type Endpoint, endpoints } from "./api/endpoints.ts";
export { type Route, type RouteName, routes } from "./api/routes.ts";
export { sampleInterval } from "./api/sample-interval.ts";
export { apiVersion, apiVersionHeader } from "./api/version.ts";
export {
  type LeaseAnswer,
  leaseAnswerSchema,
  type LeaseCall,
  leaseCallSchema,
  type LeasedRun,
  type LeaseRequest,
} from "./guard/lease.ts";
export { leaseLineBytes } from "./guard/line-bytes.ts";
export type { ApplyResponse } from "./api/responses.ts";
export type * from "./api/results.ts";
export * from "./api/requests.ts";
