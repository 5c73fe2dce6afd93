import type { Exit, InstanceState } from "@constellation/contract";
import type { RunFacts } from "../driver/run-facts.ts";
import type { StartRequest } from "../driver/start-request.ts";
import type { ProbePurpose } from "../probes/instance-probes.ts";

/** Whom an instance tells what happens to it. */
export interface InstanceObserver {
  /** The state that users see has changed. */
  changed(state: InstanceState, restarts: number): void;
  /** A run executes its program, now or since before this daemon. */
  started(facts: RunFacts, request: StartRequest): void;
  /** A run is over; comes once for each. The run is released when this resolves: until then the next daemon finds it again. */
  ended(runId: string, exit: Exit): Promise<void>;
  /** A probe's verdict has changed. */
  probed(purpose: ProbePurpose, ok: boolean, detail: string): void;
  /** Something did not work that is tried again. */
  trouble(what: string, error: unknown): void;
}
