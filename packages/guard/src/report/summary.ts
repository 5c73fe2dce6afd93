import type { TestRecord } from "../journal/record.ts";
import type { RunOutcome } from "../run/outcome.ts";

/** A run, counted. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly slowest: readonly TestRecord[];
  readonly failures: readonly TestRecord[];
  readonly peaks: readonly { readonly file: string; readonly bytes: number }[];
  readonly attempts: number;
}

/** Adds up what a report shows. */
export function summarize({ ledger, peaks }: Pick<RunOutcome, "ledger" | "peaks">, slowest = 5): Summary {
  const tests = [...ledger.tests.values()];
  const of = (status: TestRecord["status"]): TestRecord[] => tests.filter((test) => test.status === status);
  return {
    passed: of("passed").length,
    failed: of("failed").length,
    skipped: of("skipped").length,
    slowest: tests.toSorted((a, b) => b.ms - a.ms).slice(0, slowest),
    failures: of("failed"),
    peaks: [...peaks].map(([file, bytes]) => ({ file, bytes })).sort((a, b) => b.bytes - a.bytes),
    attempts: new Set(ledger.attempts.map(({ number }) => number)).size,
  };
}

/** A test as people name it. */
export const testName = ({ path, n }: Pick<TestRecord, "path" | "n">): string =>
  `${path.join(" > ")}${n === 0 ? "" : ` (${n + 1})`}`;
