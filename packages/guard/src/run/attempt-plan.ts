import type { AttemptHistory } from "../journal/ledger.ts";

/** How the next attempt goes about it. */
export interface AttemptPlan {
  readonly jobs: number;
  /** Files that this attempt leaves alone until the rest is through; then each runs by itself. */
  readonly suspects: readonly string[];
  /** Files that ran by themselves and did not fit: they are reported and never started again. */
  readonly unfit: readonly string[];
  /** What the user is told; empty for an ordinary attempt. */
  readonly note: string;
}

/**
 * Keeps attempts from dying for ever at the same place. After one that finished no test: half the jobs. After two: what was
 * running then is suspect and is kept for the end. A suspect that dies by itself does not fit in memory.
 */
export function planAttempt(
  attempts: readonly AttemptHistory[],
  jobs: number,
  known: ReadonlySet<string>,
): AttemptPlan {
  const died = attempts.filter(({ stop }) => stop?.why !== "interrupted" && stop?.why !== "finished");
  const unfit = died.flatMap(({ isolated, finished }) =>
    isolated !== undefined && finished === 0 && !known.has(isolated) ? [isolated] : [],
  );
  const fruitless = trailing(died, ({ finished }) => finished === 0);
  if (unfit.length > 0 || fruitless.length >= 2) {
    const gone = new Set([...unfit, ...known]);
    const open = fruitless.flatMap((each) => (each.isolated === undefined ? each.open : [each.isolated]));
    const suspects = [...new Set(open)].filter((file) => !gone.has(file));
    const note =
      unfit.length > 0
        ? `${unfit.join(", ")} does not fit in memory, not even alone; the rest goes on`
        : `${fruitless.length} attempts died without finishing a test: ${suspects.join(", ") || "what was running"} will run last and alone`;
    return { jobs: 1, suspects, unfit, note };
  }
  if (fruitless.length === 1)
    return {
      jobs: Math.max(1, Math.floor(jobs / 2)),
      suspects: [],
      unfit: [],
      note: `the last attempt died without finishing a test: ${Math.max(1, Math.floor(jobs / 2))} instead of ${jobs} jobs`,
    };
  return { jobs, suspects: [], unfit: [], note: "" };
}

function trailing<T>(all: readonly T[], matches: (each: T) => boolean): readonly T[] {
  const first = all.findLastIndex((each) => !matches(each));
  return all.slice(first + 1);
}
