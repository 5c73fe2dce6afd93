import { actor } from "@constellation/actors";
import type { LogStore } from "@constellation/engine";
import type { Mirror } from "../state/index.ts";

/** Rhythm of clearing up. */
const clearMs = 10 * 60_000;
const firstMs = 30_000;
/** Logs of apps that are gone are kept this long, so that one can still be asked why it ended. */
const orphanLogMs = 24 * 3_600_000;

/** What is cleared up besides logs. */
export interface Clearable {
  /** Removes the artifacts that none of these is. */
  collect(live: ReadonlySet<string>): Promise<void>;
}

/** Removes logs that are older than their app wants and artifacts that nobody refers to. */
export function janitorActor(
  mirror: Mirror,
  logs: LogStore,
  artifacts: Clearable,
  nowMs: () => number,
  report: (text: string, error: unknown) => void,
) {
  return actor<"clear">({
    kind: "janitor",
    onStart: (_, context) => {
      context.sendAfter(firstMs, "clear");
      context.sendEvery(clearMs, "clear");
      return undefined;
    },
    async receive() {
      try {
        const revisions = [...mirror.revisions.values()].flatMap((rows) => [...rows.values()]);
        const specs = revisions.map(({ record }) => record.spec);
        const longestMs = Math.max(orphanLogMs, ...specs.map(({ logs: { maxAgeMs } }) => maxAgeMs));
        await logs.prune({ olderThanMs: nowMs() - longestMs });
        await artifacts.collect(
          new Set(specs.flatMap(({ run }) => (run.kind === "script" && run.artifact !== null ? [run.artifact] : []))),
        );
      } catch (error) {
        report("clearing up failed", error);
      }
    },
  });
}
