import type { Ledger } from "../journal/ledger.ts";
import type { JournalRecord } from "../journal/record.ts";
import type { GuardSample, PolicyState } from "../policy/level.ts";
import type { TeardownReport } from "../teardown/teardown.ts";

/** What happens during a run, in order. */
export type RunEvent =
  | {
      readonly kind: "started";
      readonly run: string;
      readonly framework: string;
      readonly because: string;
      readonly attempt: number;
      /** Tests that earlier attempts have finished and this one passes over. */
      readonly carried: number;
      /** Results of the last undisturbed run, to say how much is left; 0 when it is not known. */
      readonly expected: number;
    }
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "record"; readonly record: JournalRecord }
  | { readonly kind: "sample"; readonly sample: GuardSample; readonly state: PolicyState }
  | { readonly kind: "level"; readonly state: PolicyState };

/** How a run, or this attempt at it, ended. */
export interface RunOutcome {
  /**
   * `protected`: stopped so that the machine lives; `timeout`: it took too long; `interrupted`: the caller's signal. All
   * three can be resumed.
   */
  readonly kind: "passed" | "failed" | "protected" | "timeout" | "interrupted";
  /** One sentence: why. */
  readonly reason: string;
  /** From the published table. */
  readonly exitCode: number;
  readonly run: string;
  readonly framework: string;
  readonly ledger: Ledger;
  readonly tookMs: number;
  readonly peakBytes: number;
  /** Most memory of the whole run while a file was open. */
  readonly peaks: ReadonlyMap<string, number>;
  readonly cpuTimeUs: number | undefined;
  readonly teardown: TeardownReport;
  /** Listening ports of the run that teardown released. */
  readonly releasedPorts: readonly number[];
}
