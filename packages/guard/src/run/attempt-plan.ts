import { formatBytes } from "@constellation/contract";
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
  /** Nothing is started any more: memory does not even do for what runs the tests. The attempt after it tries again. */
  readonly isHopeless?: true;
}

/** Files of which something is known beside how attempts ended. */
interface WhatIsKnown {
  /** They did not fit. */
  readonly known: ReadonlySet<string>;
  readonly ended: ReadonlySet<string>;
  /** They read otherwise than they did then: how they died says nothing any more. */
  readonly changed?: ReadonlySet<string>;
}

/** A file that was killed alone this often without a sign of memory is given up as well: something of its own ends it. */
const mostDeathsAlone = 3;
/** Others come and go: a file that was stopped for what they took gets more chances, and so do files that were open then. */
const mostCrowdedAlone = 5;
const mostCrowdedFruitless = 4;
/** Attempts in a row that memory stopped before a test file was loaded. */
const mostStillborn = 5;
const mostCrowdedStillborn = 12;
/** The same, whatever was loaded. */
const mostBarren = 20;
/** An attempt that went on for so long was stopped by an accident, not by its jobs. */
const longLifeMs = 60_000;

/**
 * Keeps attempts from dying for ever at the same place. After one that finished no test: half the jobs, and half again after
 * each that memory stopped soon, whatever it finished. After two that finished nothing: what was running then is suspect, and
 * is kept for the end until it has ended. A suspect that dies by itself does not fit in memory, if memory is what it died of:
 * an attempt that left no word may have been killed by anybody, so that such a death counts only with the kernel's word for
 * it, or when it has happened again and again. So does one that would have fitted, had others not taken memory meanwhile.
 */
export function planAttempt(
  attempts: readonly AttemptHistory[],
  jobs: number,
  { known, ended, changed = new Set() }: WhatIsKnown,
  now: DeathSigns | undefined,
): AttemptPlan {
  const ends = attempts.map((attempt, at) => ({
    ...attempt,
    isCrowded: attempt.stop?.crowded === true,
    ofMemory: attempt.stop?.why === "protected" || ranOut(attempt.signs, attempts[at + 1]?.signs ?? now),
  }));
  // One that ran out of time says nothing about memory: it may have waited for its turn.
  const hasDied = ({ stop }: AttemptHistory): boolean => stop === undefined || stop.why === "protected";
  const died = ends.filter(hasDied);
  const alone = died.filter(({ isolated, finished }) => isolated !== undefined && finished === 0);
  const unfit = [...new Set(alone.map(({ isolated = "" }) => isolated))].flatMap((file): AttemptPlan["unfit"] => {
    const deaths = alone.filter(({ isolated }) => isolated === file);
    if (known.has(file) || changed.has(file)) return [];
    if (deaths.some(({ ofMemory, isCrowded }) => ofMemory && !isCrowded)) return [{ file, cause: "memory" }];
    const crowded = deaths.filter(({ isCrowded }) => isCrowded).length;
    if (crowded >= mostCrowdedAlone) return [{ file, cause: "memory" }];
    return deaths.length - crowded >= mostDeathsAlone ? [{ file, cause: "unknown" }] : [];
  });
  const fruitless = trailing(died, ({ finished }) => finished === 0);
  const barren = trailing(
    ends,
    (each) => hasDied(each) && each.ofMemory && each.isolated === undefined && each.finished === 0,
  );
  const stillborn = trailing(barren, ({ open }) => open.length === 0);
  const ownStillborn = stillborn.filter(({ isCrowded }) => !isCrowded);
  if (ownStillborn.length >= mostStillborn || stillborn.length >= mostCrowdedStillborn || barren.length >= mostBarren) {
    const peakBytes = Math.max(...barren.map(({ stop }) => stop?.peakBytes ?? 0));
    const note = `memory stopped the last ${barren.length} attempts before a test finished: what runs the tests does not fit in memory (it had ${formatBytes(peakBytes)})`;
    return { jobs: 1, suspects: [], unfit, note, isHopeless: true };
  }
  const gone = new Set([...unfit.map(({ file }) => file), ...known, ...ended]);
  const suspects = suspectsOf(died).filter((file) => !gone.has(file));
  const later = suspects.length === 0 ? "" : `${some(suspects)} will run last and alone`;
  if (unfit.length > 0 || isStuck(fruitless)) {
    const note =
      unfit.length > 0
        ? `${unfit.map(({ file, cause }) => `${file} ${unfitWords(cause)}`).join(", ")}; the rest goes on`
        : `${fruitless.length} attempts died without finishing a test: ${later || "one job, from the beginning"}`;
    return { jobs: 1, suspects, unfit, note };
  }
  const stopped = trailing(died, ({ ofMemory }) => ofMemory);
  const shorter = Math.min(fewerJobs(stopped, jobs), fruitless.length === 0 ? jobs : half(jobs));
  if (shorter === jobs && fruitless.length === 0) return { jobs, suspects, unfit: [], note: later };
  const why =
    fruitless.length === 0
      ? `memory stopped the last ${stopped.length} attempts soon`
      : fruitless.length === 1
        ? "the last attempt died without finishing a test"
        : `the last ${fruitless.length} attempts died without finishing a test, for memory that others took`;
  const note = `${why}: ${shorter} instead of ${jobs} jobs${later && `; ${later}`}`;
  return { jobs: shorter, suspects, unfit: [], note };
}

type Death = AttemptHistory & { readonly isCrowded: boolean };

const isStuck = (fruitless: readonly Death[]): boolean =>
  fruitless.filter(({ isCrowded }) => !isCrowded).length >= 2 || fruitless.length >= mostCrowdedFruitless;

/** What was running when attempts in a row died without finishing a test. */
function suspectsOf(died: readonly Death[]): readonly string[] {
  const suspects = new Set<string>();
  let fruitless: readonly Death[] = [];
  for (const each of died) {
    fruitless = each.finished === 0 ? [...fruitless, each] : [];
    if (!isStuck(fruitless)) continue;
    for (const { isolated, open } of fruitless)
      for (const file of isolated === undefined ? open : [isolated]) suspects.add(file);
  }
  return [...suspects];
}

/** Names of files, five at most. */
export const some = (files: readonly string[]): string =>
  files.length <= 5 ? files.join(", ") : `${files.slice(0, 5).join(", ")} and ${files.length - 5} more`;

/** One stop may be an accident. Each that follows soon halves the jobs; after each long life they may be twice as many again. */
function fewerJobs([, ...more]: readonly AttemptHistory[], jobs: number): number {
  return more.reduce(
    (now, { livedMs }) => (livedMs !== undefined && livedMs >= longLifeMs ? Math.min(jobs, now * 2) : half(now)),
    jobs,
  );
}

const half = (jobs: number): number => Math.max(1, Math.floor(jobs / 2));

function trailing<T>(all: readonly T[], matches: (each: T) => boolean): readonly T[] {
  const first = all.findLastIndex((each) => !matches(each));
  return all.slice(first + 1);
}
