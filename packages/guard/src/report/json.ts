import type { RunOutcome } from "../run/outcome.ts";
import { summarize } from "./summary.ts";

/** The whole outcome as plain JSON, format version 1. */
export function outcomeJson(outcome: RunOutcome): object {
  const { passed, failed, skipped, attempts, peaks } = summarize(outcome);
  const { kind, reason, exitCode, run, framework, tookMs, peakBytes, cpuTimeUs, teardown, releasedPorts, ledger } =
    outcome;
  return {
    version: 1,
    kind,
    reason,
    exitCode,
    run,
    framework,
    tookMs,
    attempts,
    counts: { passed, failed, skipped },
    peakBytes,
    cpuTimeUs: cpuTimeUs ?? null,
    peaks,
    teardown,
    releasedPorts,
    unfit: [...ledger.unfit.values()].map(({ file, peakBytes, cause = "memory" }) => ({ file, peakBytes, cause })),
    troubles: ledger.troubles.map(({ file, title, error }) => ({ file, title, error })),
    tests: [...ledger.tests.values()].map(({ file, path, n, status, ms, error }) => ({
      file,
      path,
      n,
      status,
      ms,
      error: error ?? null,
    })),
  };
}
