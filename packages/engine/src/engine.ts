import type { Bus } from "./bus/bus.ts";
import type { BlobStore } from "./blobs/blob-store.ts";
import type { LogStore } from "./logs/log-store.ts";
import type { StateStore } from "./state/store.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

/** Where state, messages, files, logs and telemetry live. */
export interface Engine {
  readonly state: StateStore;
  readonly bus: Bus;
  readonly blobs: BlobStore;
  readonly logs: LogStore;
  readonly telemetry: Telemetry;
  /** Writes what waits and lets go of everything; later calls fail with `closed`. */
  close(): Promise<void>;
}
