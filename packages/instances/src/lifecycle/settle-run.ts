import type { Exit } from "@constellation/contract";
import type { CallOptions, Driver } from "../driver/driver.ts";

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
