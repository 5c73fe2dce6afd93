/** The suites that every adapter of the engine must pass; they need a test runner's `test` and nothing else. */
export type { Opened, Runner } from "./runner.ts";
export { stateConformance, type StateSubject } from "./state/index.ts";
export { busConformance, type BusSubject } from "./bus.ts";
export { blobConformance, blobQuotaBytes, type BlobSubject } from "./blobs.ts";
export { logConformance, type LogSubject } from "./logs.ts";
export { telemetryConformance, type TelemetrySubject } from "./telemetry.ts";
