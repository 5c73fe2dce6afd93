import type { AppSpec, Change } from "@constellation/contract";
import type { Effect } from "./effect.ts";
import { describeDifference, type Difference, differences } from "./difference.ts";

/** What is known of an app before a change. */
export interface KnownApp {
  readonly spec: AppSpec;
  readonly revision: number;
  /** Whether its instances are wanted to run; `stop` makes it false. */
  readonly running: boolean;
  /** Names of its instances that have failed for good: whoever applies it wants them to be tried anew. */
  readonly failed: readonly string[];
}

/**
 * What applying `wanted` does to an app. The revision grows by one with `created` and `updated` only:
 * the number of instances is no part of it, so that scaling replaces nothing.
 */
export function changeOf(known: KnownApp | null, wanted: AppSpec): Change {
  if (known === null) return { app: wanted.name, change: "created", revision: 1, differences: [] };
  const found = differences(known.spec, wanted);
  const lines = found.map((difference) => `${describeDifference(difference)}${effectWords[difference.effect]}`);
  if (found.some(({ effect }) => effect !== "scale")) {
    return {
      app: wanted.name,
      change: "updated",
      revision: known.revision + 1,
      differences: [...lines, ...wakes(known)],
    };
  }
  const retries = known.failed.map((name) => `${name}: failed -> tried again`);
  if (found.length === 0 && known.running) {
    const change = retries.length === 0 ? "unchanged" : "retried";
    return { app: wanted.name, change, revision: known.revision, differences: retries };
  }
  // A stopped app that is applied again is started; its program stays as it is.
  const told = [...lines, ...wakes(known), ...retries];
  return { app: wanted.name, change: "scaled", revision: known.revision, differences: told };
}

/** What a setting costs, said behind it. */
const effectWords: Readonly<Record<Effect, string>> = { scale: "", live: " (live)", restart: " (restart)" };

const wakes = (known: KnownApp): string[] => (known.running ? [] : ["state: stopped -> running"]);

/** One revision of an app's program: what an instance must have been started with to count as current. */
export interface Revision {
  readonly spec: AppSpec;
  /** How often the user asked for fresh instances; another number alone makes instances outdated. */
  readonly restarts: number;
}

/** How a running instance relates to the newest revision. */
export type Fit = "current" | "live" | "outdated";

/** Compares what an instance was started with to what is wanted now. Going back to an older spec therefore spares what still runs it. */
export function fitOf(started: Revision, wanted: Revision): Fit {
  if (started === wanted) return "current";
  if (started.restarts !== wanted.restarts) return "outdated";
  const effects = differences(started.spec, wanted.spec).map(({ effect }: Difference) => effect);
  if (effects.includes("restart")) return "outdated";
  return effects.includes("live") ? "live" : "current";
}
