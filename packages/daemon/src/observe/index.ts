/** What happens and how it goes: events in one order, measurements, log lines. */
export { type EventArchive, EventLog, type EventLogParts } from "./event-log.ts";
export { type Clearable, clearUp } from "./clear-up.ts";
export { janitorActor } from "./janitor.ts";
export { readLogs } from "./logs.ts";
export { MemoryArchive } from "./memory-archive.ts";
export { recorderActor } from "./recorder.ts";
export { Sampling } from "./samples.ts";
export { TelemetryArchive } from "./telemetry-archive.ts";
export { type Following, whileThere } from "./while-there.ts";
