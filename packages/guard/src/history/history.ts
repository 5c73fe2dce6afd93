import { summarize } from "../report/summary.ts";
import type { RunOutcome } from "../run/outcome.ts";

/** One attempt at a run, as history keeps it. */
export interface HistoryEntry {
  /** Unix milliseconds of its end. */
  readonly atMs: number;
  readonly run: string;
  readonly framework: string;
  readonly kind: RunOutcome["kind"];
  readonly reason: string;
  readonly tookMs: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Attempts at this run so far. */
  readonly attempts: number;
  readonly peakBytes: number;
}

/** Where outcomes are kept. The guard only says what it needs: whoever has a database brings it. */
export interface HistoryStore {
  record(entry: HistoryEntry): Promise<void>;
  /** The last so many, oldest first. */
  last(count: number): Promise<readonly HistoryEntry[]>;
  close(): Promise<void>;
}

/** What history keeps of an outcome. */
export function historyEntry(outcome: RunOutcome, atMs: number): HistoryEntry {
  const { passed, failed, skipped, attempts } = summarize(outcome);
  const { run, framework, kind, reason, tookMs, peakBytes } = outcome;
  return { atMs, run, framework, kind, reason, tookMs, passed, failed, skipped, attempts, peakBytes };
}
