import { setImmediate as nextTurn } from "node:timers/promises";
import type { LogStore } from "@constellation/engine";
import type { Mirror } from "../state/index.ts";

/** Logs of apps that are gone are kept this long, so that one can still be asked why it ended. */
const orphanLogMs = 24 * 3_600_000;

/** What is cleared up besides logs. */
export interface Clearable {
  /** Removes the artifacts that none of these is. */
  collect(live: ReadonlySet<string>): Promise<void>;
}

/** Removes logs that are older than their own app wants and artifacts that nobody refers to. */
export async function clearUp(mirror: Mirror, logs: LogStore, artifacts: Clearable, nowMs: number): Promise<void> {
  for (const instance of await logs.instances()) {
    const app = instance.slice(0, instance.lastIndexOf("."));
    const ended = !mirror.apps.has(app) && !mirror.revisions.has(app) && !mirror.allocations.has(app);
    await logs.prune({ instances: [instance], olderThanMs: nowMs - logAgeMs(mirror, app), ended });
    // Each is a few looks at the disk, and whoever calls meanwhile has his turn.
    await nextTurn();
  }
  await artifacts.collect(liveArtifacts(mirror));
}

/** Of several revisions that are still kept the most patient counts: instances of it may be running. */
function logAgeMs({ revisions }: Mirror, app: string): number {
  const ages = [...(revisions.get(app)?.values() ?? [])].map(({ record }) => record.spec.logs.maxAgeMs);
  return ages.length === 0 ? orphanLogMs : Math.max(...ages);
}

function liveArtifacts({ revisions }: Mirror): Set<string> {
  const runs = [...revisions.values()].flatMap((rows) => [...rows.values()].map(({ record }) => record.spec.run));
  return new Set(runs.flatMap((run) => (run.kind === "script" && run.artifact !== null ? [run.artifact] : [])));
}
