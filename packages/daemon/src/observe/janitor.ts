import { actor } from "@constellation/actors";
import type { LogStore } from "@constellation/engine";
import type { Mirror } from "../state/index.ts";
import { type Clearable, clearUp } from "./clear-up.ts";

/** Rhythm of clearing up. */
const clearMs = 10 * 60_000;
const firstMs = 30_000;

/** Clears up now and then. */
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
        await clearUp(mirror, logs, artifacts, nowMs());
      } catch (error) {
        report("clearing up failed", error);
      }
    },
  });
}
