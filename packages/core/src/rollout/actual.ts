import type { Health, InstanceState } from "@constellation/contract";
import type { Fit } from "../changes/change.ts";

/** What an allocation asks of its node. `wait` is for another app and says which, in words. */
export type Wish =
  | { readonly kind: "wait"; readonly for: string }
  | { readonly kind: "run" }
  | { readonly kind: "stop" }
  | { readonly kind: "remove" };

/** One allocation of an app with what is known of its instance. */
export interface ActualInstance {
  /** 1 for the first. */
  readonly index: number;
  readonly wish: Wish;
  /** How the revision of its allocation compares to the newest. */
  readonly fit: Fit;
  readonly progress: Progress;
}

/**
 * How far an instance has come with what its allocation asks: `idle` nothing runs and nothing was tried,
 * `coming` on its way or struggling, `ready`, `completed`, `failed` given up.
 */
export type Progress = "idle" | "coming" | "ready" | "completed" | "failed";

/** What the progress of an instance is judged by. */
export interface ProgressInput {
  /** Null before its node has said anything of it. */
  readonly state: InstanceState | null;
  /** Whether its run is one of its allocation's revision; another one has it all before it. */
  readonly runsItsRevision: boolean;
  readonly nowMs: number;
  /** How long it must have run to count as ready; 0 where a probe says so. */
  readonly settleMs: number;
}

/** The progress of an instance. */
export function progressOf({ state, runsItsRevision, nowMs, settleMs }: ProgressInput): Progress {
  if (state === null || state.status === "waiting" || state.status === "stopped") return "idle";
  if (!runsItsRevision) return "coming";
  if (state.status === "completed" || state.status === "failed") return state.status;
  return state.status === "running" && state.ready && hasRun(nowMs - state.since, settleMs) ? "ready" : "coming";
}

// Below zero the clock was set back: nobody knows how long it ran, and an app must not count as down until then.
const hasRun = (ranMs: number, wantedMs: number): boolean => ranMs >= wantedMs || ranMs < 0;

// Long enough for a program that cannot read its configuration or bind its port to end, short enough for a rollout.
const unprobedSettleMs = 500;

/**
 * How long an instance without probes must have run before an update goes on: it counts as ready as soon as its program
 * executes, and a program that ends a moment later must not have cost a second one its place (Kubernetes' minReadySeconds,
 * Nomad's min_healthy_time).
 */
export function settleMsOf({ startup, readiness }: Health): number {
  return startup === null && readiness === null ? unprobedSettleMs : 0;
}
