import { appendFileSync, existsSync, readFileSync } from "node:fs";
import * as z from "zod";
import { summarize } from "../report/summary.ts";
import type { RunOutcome } from "../run/outcome.ts";

const entrySchema = z.object({
  at: z.string(),
  run: z.string(),
  framework: z.string(),
  kind: z.enum(["passed", "failed", "protected", "timeout", "interrupted"]),
  reason: z.string(),
  tookMs: z.number(),
  passed: z.number(),
  failed: z.number(),
  skipped: z.number(),
  attempts: z.number(),
  peakBytes: z.number(),
});

/** One attempt, as history keeps it. */
export type HistoryEntry = z.infer<typeof entrySchema>;

/** Adds an outcome to a project's history: a file of JSON lines beside the journal. */
export function recordHistory(path: string, outcome: RunOutcome, at: Date): void {
  const { passed, failed, skipped, attempts } = summarize(outcome);
  const { run, framework, kind, reason, tookMs, peakBytes } = outcome;
  const entry: HistoryEntry = {
    at: at.toISOString(),
    run,
    framework,
    kind,
    reason,
    tookMs,
    passed,
    failed,
    skipped,
    attempts,
    peakBytes,
  };
  appendFileSync(path, `${JSON.stringify(entry)}\n`);
}

/** The history, oldest first; lines that cannot be read are counted, not guessed. */
export function readHistory(path: string): { readonly entries: readonly HistoryEntry[]; readonly unreadable: number } {
  if (!existsSync(path)) return { entries: [], unreadable: 0 };
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  const entries = lines.flatMap((line) => {
    try {
      const parsed = entrySchema.safeParse(JSON.parse(line));
      return parsed.success ? [parsed.data] : [];
    } catch {
      return [];
    }
  });
  return { entries, unreadable: lines.length - entries.length };
}
