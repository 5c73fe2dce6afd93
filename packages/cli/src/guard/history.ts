import { setTimeout as sleep } from "node:timers/promises";
import { openFileTelemetry } from "@constellation/engine";
import type { HistoryEntry, HistoryStore } from "@constellation/guard";

const kind = "guard.ended";
const day = 86_400_000;
/** Another command may be writing its line. */
const busyMs = 2000;

/** A project's history in SQLite, in the folder of its journal. */
export function openHistory(path: string): HistoryStore {
  const telemetry = openFileTelemetry({ path, keepMs: 3650 * day, partMs: 365 * day, maxBytes: 32 * 2 ** 20 });
  return {
    record: async (entry) => {
      telemetry.record({ kind, subject: "", atMs: entry.atMs, body: entry });
      // What is queued is written before anything is read.
      await whenFree(() => telemetry.events({ tail: 1 }));
    },
    last: (count) =>
      whenFree(async () =>
        (await telemetry.events({ kinds: [kind], tail: count })).map(({ body }) => body as HistoryEntry),
      ),
    close: () => telemetry.close(),
  };
}

async function whenFree<T>(work: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + busyMs; ; await sleep(50)) {
    try {
      return await work();
    } catch (error) {
      const isBusy = (error as { holderPid?: unknown }).holderPid !== undefined;
      if (!isBusy || performance.now() > until) throw error;
    }
  }
}
