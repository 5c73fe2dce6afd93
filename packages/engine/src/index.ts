/** Where state, messages, files and logs live: one set of interfaces, embedded and in-memory adapters. */
export { type EngineClock, ManualClock, systemClock } from "./clock.ts";
export {
  EngineError,
  type EngineErrorCode,
  type EngineErrorDetails,
  type EngineErrorKind,
  isEngineError,
} from "./error.ts";
export { stateLimits } from "./state/limits.ts";
export { checkKey, checkPrefix, isUnder } from "./state/key.ts";
export { MemoryStateStore, type MemoryStateOptions, type StateFault } from "./state/memory.ts";
export { defaultHistory, type HistoryLimits, type OwnedStateStore } from "./state/owned.ts";
export { openSqliteState, type SqliteStateOptions, type SqliteStateStore } from "./state/sqlite.ts";
export {
  type Acknowledge,
  beginning,
  type CallOptions,
  type Change,
  type Expectation,
  type Item,
  type Lease,
  type Rev,
  type Settlement,
  type StateCapabilities,
  type StateStore,
  toRev,
  type Txn,
  type TxnOptions,
  type WatchEvent,
  type Write,
} from "./state/store.ts";
export {
  type AcceptFlowOptions,
  type Bus,
  type FlowReceiver,
  type FlowSender,
  maxBodyBytes,
  type Message,
  type MessageHandler,
  type OpenFlowOptions,
  type OwnedBus,
  type RequestOptions,
  type SubscribeOptions,
  type Subscription,
} from "./bus/bus.ts";
export { InProcessBus } from "./bus/in-process.ts";
export type {
  BlobContent,
  BlobInfo,
  BlobRange,
  BlobSource,
  BlobStore,
  BlobUsage,
  Collected,
  GetOptions,
  OwnedBlobStore,
  PutOptions,
} from "./blobs/blob-store.ts";
export { type FileBlobOptions, FileBlobStore } from "./blobs/files.ts";
export { MemoryBlobStore } from "./blobs/memory.ts";
export { type FileLogOptions, FileLogStore } from "./logs/files.ts";
export type {
  LogCursor,
  LogEntry,
  LogFilter,
  LogFollow,
  LogGap,
  LogLine,
  LogPrune,
  LogQuery,
  LogStore,
  LogStream,
  LogStreamName,
  NewLogLine,
  OwnedLogStore,
  Pruned,
} from "./logs/log-store.ts";
export { MemoryLogStore } from "./logs/memory.ts";
export { type EmbeddedEngine, type EmbeddedEngineOptions, openEmbeddedEngine } from "./embedded.ts";
export type { Engine } from "./engine.ts";
export { openMemoryEngine } from "./in-memory.ts";
export { type FileTelemetryOptions, openFileTelemetry, openMemoryTelemetry } from "./telemetry/open.ts";
export type { RetentionLimits } from "./telemetry/parts.ts";
export type {
  Aggregate,
  EventFollow,
  EventQuery,
  MetricQuery,
  MetricRange,
  NewEvent,
  OwnedTelemetry,
  StoredEvent,
  Telemetry,
  TelemetryLosses,
} from "./telemetry/telemetry.ts";
