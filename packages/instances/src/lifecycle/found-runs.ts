import type { Exit } from "@constellation/contract";
import type { CallOptions, Driver, FoundRun } from "../driver/driver.ts";
import { instanceName } from "../driver/start-request.ts";

/** What a driver found of one instance: its newest run, and older ones that only wait for being recorded. */
export interface FoundInstance {
  readonly current: FoundRun;
  readonly older: readonly FoundRun[];
}

/** Sorts found runs by instance name. Run ids sort by time. */
export function byInstance(found: readonly FoundRun[]): Map<string, FoundInstance> {
  const instances = new Map<string, FoundInstance>();
  for (const run of [...found].sort((a, b) => (a.runId < b.runId ? -1 : 1))) {
    const name = instanceName(run);
    const before = instances.get(name);
    instances.set(name, { current: run, older: before === undefined ? [] : [...before.older, before.current] });
  }
  return instances;
}

/**
 * Brings a run that nobody carries on to its end: ends it if it still runs, has its end recorded, releases it.
 * For older runs of an instance, and for instances that nobody wants any more.
 */
export async function settleRun(
  driver: Driver,
  runId: string,
  record: (exit: Exit) => Promise<void>,
  options: CallOptions,
): Promise<void> {
  const recovery = await driver.recover(runId, options);
  if (recovery.status === "ended") await record(recovery.exit);
  if (recovery.status === "running") {
    const { handle, request } = recovery;
    try {
      await record(await handle.stop(request.stop.signal, request.stop.graceMs));
    } finally {
      handle.detach();
    }
  }
  await driver.release(runId);
}
