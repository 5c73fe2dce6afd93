import type { Exit } from "@constellation/contract";
import type { RunNotes } from "../driver/run-facts.ts";
import type { RestartCount, Rules } from "./lifecycle.ts";

/** Everything that can happen to an instance. What carries a run id is ignored when that run is not the present one. */
export type LifecycleEvent =
  /** The spec's rules have changed; what runs goes on under the new ones. */
  | { readonly type: "rules"; readonly rules: Rules }
  /** Wanted, but something must happen before: a dependency, a port. */
  | { readonly type: "wait"; readonly for: string }
  /** `firstRunId`: how the run that this may start is to be called. */
  | { readonly type: "start"; readonly firstRunId?: string }
  /** `graceMs` is that of the spec where it is not given; 0 ends it at once. */
  | { readonly type: "stop"; readonly graceMs?: number }
  | { readonly type: "restart" }
  /** An earlier daemon launched a run; its counts are carried on. `launchedAt`: Unix milliseconds. */
  | { readonly type: "recover"; readonly runId: string; readonly count: RestartCount; readonly launchedAt: number }
  | {
      readonly type: "recovered";
      readonly runId: string;
      readonly pid: number;
      readonly startedAt: number;
      readonly notes: RunNotes;
    }
  | { readonly type: "never-started"; readonly runId: string }
  | { readonly type: "started"; readonly runId: string; readonly pid: number }
  /** `final`: trying again cannot help. */
  | { readonly type: "start-failed"; readonly runId: string; readonly exit: Exit; readonly final: boolean }
  | { readonly type: "ended"; readonly runId: string; readonly exit: Exit }
  /** The driver could not stop or kill it. */
  | { readonly type: "stop-failed"; readonly runId: string; readonly detail: string }
  /** A probe's counted verdict: it has changed to up or down. Null, of the startup probe: neither yet, for the reason told. */
  | {
      readonly type: "probe";
      readonly runId: string;
      readonly purpose: "startup" | "readiness" | "liveness";
      readonly ok: boolean | null;
      readonly detail: string;
    }
  /** The time that `wakeAt` gave has come. */
  | { readonly type: "wake" }
  /** The daemon ends and the instance goes on. */
  | { readonly type: "detach" };

/** What `step` wants done, in this order. */
export type LifecycleEffect =
  | { readonly type: "launch"; readonly runId: string; readonly count: RestartCount }
  /** Abort the launch; the driver's answer still comes. */
  | { readonly type: "cancel-launch"; readonly runId: string }
  | { readonly type: "recover"; readonly runId: string }
  | { readonly type: "stop"; readonly runId: string; readonly signal: string; readonly graceMs: number }
  | { readonly type: "remember"; readonly runId: string; readonly notes: RunNotes }
  /** Comes exactly once for every run that was launched or recovered and ended here: record it, then release the run. */
  | { readonly type: "record-end"; readonly runId: string; readonly exit: Exit }
  /** Nothing of it ever ran: only its traces are to be removed. */
  | { readonly type: "release"; readonly runId: string }
  | { readonly type: "detach"; readonly runId: string | null };
