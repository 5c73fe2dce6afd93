import { MemoryBlobStore } from "./blobs/memory.ts";
import { InProcessBus } from "./bus/in-process.ts";
import { type EngineClock, systemClock } from "./clock.ts";
import { closeAll } from "./embedded.ts";
import type { Engine } from "./engine.ts";
import { MemoryLogStore } from "./logs/memory.ts";
import { MemoryStateStore, type StateFault } from "./state/memory.ts";
import type { Txn } from "./state/store.ts";
import { openMemoryTelemetry } from "./telemetry/open.ts";

/** An engine that is gone with the process: for tests, with every semantic of the others. */
export async function openMemoryEngine({
  clock = systemClock,
  fault = () => undefined,
}: {
  readonly clock?: EngineClock;
  /** Makes transactions fail as a cluster's would; see {@link StateFault}. */
  readonly fault?: (txn: Txn) => StateFault | undefined;
} = {}): Promise<Engine> {
  const state = new MemoryStateStore({ clock, fault });
  const bus = new InProcessBus({ clock });
  const blobs = new MemoryBlobStore({ clock });
  const logs = new MemoryLogStore({ clock });
  const telemetry = openMemoryTelemetry({ clock });
  return { state, bus, blobs, logs, telemetry, close: () => closeAll([bus, logs, blobs, telemetry, state]) };
}
