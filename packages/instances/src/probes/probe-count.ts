import type { ProbeTiming } from "@constellation/contract";

/** What the results of one probe amount to so far. */
export interface ProbeCount {
  readonly verdict: "unknown" | "up" | "down";
  /** Results of the same kind in a row, the last one included. */
  readonly successes: number;
  readonly failures: number;
}

/** No result yet. */
export const noResults: ProbeCount = { verdict: "unknown", successes: 0, failures: 0 };

/**
 * Counts one result as Kubernetes does (kubelet `prober/worker.go`): a verdict changes only when as many results in a
 * row agree as its threshold says, and holds until the other threshold is met.
 */
export function countResult(count: ProbeCount, timing: ProbeTiming, ok: boolean): ProbeCount {
  const successes = ok ? count.successes + 1 : 0;
  const failures = ok ? 0 : count.failures + 1;
  const verdict =
    successes >= timing.successThreshold ? "up" : failures >= timing.failureThreshold ? "down" : count.verdict;
  return { verdict, successes, failures };
}
