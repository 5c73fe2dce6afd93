import { readFileSync, writeFileSync } from "node:fs";

/** What the next run of a project can expect. */
export interface LastRun {
  /** Results that a whole run has; 0: none has come to its end. */
  readonly tests: number;
  /** Most memory that a run has needed; null: nobody knows, since it had no control group. */
  readonly peakBytes: number | null;
}

/** Notes what a run took; a run that was stopped says nothing about the number of tests. */
export function noteLastRun(path: string, { tests, peakBytes }: LastRun): void {
  const before = readLastRun(path);
  writeFileSync(path, JSON.stringify({ tests: tests === 0 ? (before?.tests ?? 0) : tests, peakBytes: peakBytes ?? 0 }));
}

/** What the last run took; undefined when there was none, or nothing that can be read: then nothing is expected. */
export function readLastRun(path: string): LastRun | undefined {
  try {
    const { tests, peakBytes } = JSON.parse(readFileSync(path, "utf8")) as Partial<LastRun>;
    if (typeof tests !== "number" || typeof peakBytes !== "number") return undefined;
    return { tests, peakBytes: peakBytes > 0 ? peakBytes : null };
  } catch {
    return undefined;
  }
}
