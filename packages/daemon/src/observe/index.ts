/** What happens and how it goes: events in one order, measurements, log lines. */
export { type EventArchive, EventLog, type EventLogParts } from "./event-log.ts";
export { readLogs } from "./logs.ts";
export { MemoryArchive } from "./memory-archive.ts";
export { Sampling } from "./samples.ts";
