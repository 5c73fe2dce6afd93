import type { AttemptHistory } from "../journal/ledger.ts";
import { type DeathSigns, ranOut } from "../journal/death-signs.ts";
import { type UnfitCause, unfitWords } from "../journal/unfit.ts";

/** How the next attempt goes about it. */
export interface AttemptPlan {
  readonly jobs: number;
  /** Files that this attempt leaves alone until the rest is through; then each runs by itself. */
  readonly suspects: readonly string[];
  /** Files that ran by themselves and did not fit: they are reported and never started again. */
  readonly unfit: readonly { readonly file: string; readonly cause: UnfitCause }[];
  /** What the user is told; empty for an ordinary attempt. */
  readonly note: string;
}

/** A file that was killed alone this often without a sign of memory is given up as well: something of its own ends it. */
const mostDeathsAlone = 3;

/**
 * Keeps attempts from dying for ever at the same place. After one that finished no test: half the jobs. After two: what was
 * running then is suspect and is kept for the end. A suspect that dies by itself does not fit in memory, if memory is what
 * it died of: an attempt that left no word may have been killed by anybody, so that such a death counts only with the
 * kernel's word for it, or when it has happened again and again.
 */
export function planAttempt(
  attempts: readonly AttemptHistory[],
  jobs: number,
  known: ReadonlySet<string>,
  now: DeathSigns | undefined,
): AttemptPlan {
  const ends = attempts.map((attempt, at) => ({
    ...attempt,
    ofMemory: attempt.stop?.why === "protected" || ranOut(attempt.signs, attempts[at + 1]?.signs ?? now),
  }));
  // One that ran out of time says nothing about memory: it may have waited for its turn.
  const died = ends.filter(({ stop }) => stop === undefined || stop.why === "protected");
  const alone = died.filter(({ isolated, finished }) => isolated !== undefined && finished === 0);
  const unfit = [...new Set(alone.map(({ isolated = "" }) => isolated))].flatMap((file): AttemptPlan["unfit"] => {
    const deaths = alone.filter(({ isolated }) => isolated === file);
    if (known.has(file)) return [];
    if (deaths.some(({ ofMemory }) => ofMemory)) return [{ file, cause: "memory" }];
    return deaths.length >= mostDeathsAlone ? [{ file, cause: "unknown" }] : [];
  });
  const fruitless = trailing(died, ({ finished }) => finished === 0);
  if (unfit.length > 0 || fruitless.length >= 2) {
    const gone = new Set([...unfit.map(({ file }) => file), ...known]);
    const open = fruitless.flatMap((each) => (each.isolated === undefined ? each.open : [each.isolated]));
    const suspects = [...new Set(open)].filter((file) => !gone.has(file));
    const note =
      unfit.length > 0
        ? `${unfit.map(({ file, cause }) => `${file} ${unfitWords(cause)}`).join(", ")}; the rest goes on`
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
