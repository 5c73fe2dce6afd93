import { settleRun } from "@constellation/instances";
import type { Mirror } from "../state/index.ts";
import type { AgentParts } from "./parts.ts";

/** Longest time for ending one stray. */
const settleTimeoutMs = 60_000;

/**
 * Ends and releases every run of ours that no allocation stands behind: of apps removed while no daemon ran, and older
 * runs whose end was recorded but not released. Returns how many there were.
 */
export async function settleStrays({ driver, repository, report }: AgentParts): Promise<number> {
  const found = await driver.list();
  // Looked up after the list: a run that began meanwhile was recorded before it could be found.
  const known = launchedRuns(repository.mirror);
  const strays = found.filter(({ runId }) => !known.has(runId));
  await Promise.all(
    strays.map(async ({ runId }) => {
      try {
        const signal = AbortSignal.timeout(settleTimeoutMs);
        await settleRun(driver, runId, () => Promise.resolve(), { signal });
      } catch (error) {
        report(`the stray run ${runId} could not be ended`, error);
      }
    }),
  );
  return strays.length;
}

function launchedRuns({ runs, allocations }: Mirror): Set<string> {
  const ids = new Set<string>();
  for (const [app, rows] of runs) {
    for (const [index, { record }] of rows) {
      if (record.status === "launched" && allocations.get(app)?.has(index)) ids.add(record.runId);
    }
  }
  return ids;
}
