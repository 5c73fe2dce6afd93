import { join } from "node:path";
import { FileBlobStore } from "./blobs/files.ts";
import { InProcessBus } from "./bus/in-process.ts";
import { type EngineClock, systemClock } from "./clock.ts";
import type { Engine } from "./engine.ts";
import { FileLogStore } from "./logs/files.ts";
import type { SqlDriver } from "./sqlite/database.ts";
import type { HistoryLimits } from "./state/owned.ts";
import { openSqliteState, type SqliteStateStore } from "./state/sqlite.ts";
import { openFileTelemetry } from "./telemetry/open.ts";
import type { RetentionLimits } from "./telemetry/parts.ts";
import type { SqliteTelemetry } from "./telemetry/sqlite.ts";

export interface EmbeddedEngineOptions {
  /** Everything lies below it: `state.db`, `telemetry.db`, `blobs/`, `logs/<instance>/log`. */
  readonly directory: string;
  /** @default the machine's */
  readonly clock?: EngineClock;
  readonly history?: Partial<HistoryLimits>;
  readonly retention?: Partial<RetentionLimits>;
  /** @default no bound */
  readonly blobQuotaBytes?: number;
  /** @default the first that this Node has */
  readonly driver?: SqlDriver["name"];
}

/** The engine of a single machine; its parts by their own types. */
export interface EmbeddedEngine extends Engine {
  readonly state: SqliteStateStore;
  readonly blobs: FileBlobStore;
  readonly logs: FileLogStore;
  readonly telemetry: SqliteTelemetry;
}

/**
 * Opens the engine of a single machine. Only one process may have a directory open.
 * @throws EngineError `unavailable` (another process has it: `holderPid`; or no SQLite), `corrupt`, `schema-newer`
 */
export async function openEmbeddedEngine(options: EmbeddedEngineOptions): Promise<EmbeddedEngine> {
  const { directory, clock = systemClock, history = {}, retention = {}, blobQuotaBytes = Infinity } = options;
  const driver = options.driver === undefined ? {} : { driver: options.driver };
  // First, because its lock keeps a second daemon away from all the rest.
  const state = openSqliteState({ path: join(directory, "state.db"), clock, history, ...driver });
  const bus = new InProcessBus({ clock });
  const blobs = new FileBlobStore({ directory: join(directory, "blobs"), clock, quotaBytes: blobQuotaBytes });
  const logs = new FileLogStore({ directory: join(directory, "logs"), clock });
  const telemetry = openFileTelemetry({ path: join(directory, "telemetry.db"), clock, ...retention, ...driver });
  return { state, bus, blobs, logs, telemetry, close: () => closeAll([bus, logs, blobs, telemetry, state]) };
}

/** Closes all, the last one too when one before it fails; then throws what failed first. */
export async function closeAll(parts: readonly { close(): Promise<void> }[]): Promise<void> {
  const failures: unknown[] = [];
  for (const part of parts) await part.close().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
