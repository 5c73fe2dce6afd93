import type { Exit, Health, RestartPolicy } from "@constellation/contract";

/**
 * The life of one instance, whole: everything `step` decides with. Plain data; the `InstanceState` that users see is
 * `view` of it. Times are Unix milliseconds.
 */
export interface Lifecycle extends RestartCount {
  readonly rules: Rules;
  /** What is wanted of it: to run, or not to. */
  readonly goal: "up" | "down";
  readonly phase: Phase;
  /** The platform has let go of it and it runs on by itself; every later event is ignored. */
  readonly detached: boolean;
}

/** What is counted over the runs of an instance; the next daemon carries it on, so that a crash loop keeps its backoff. */
export interface RestartCount {
  /** Starts after an end that nobody asked for. */
  readonly restarts: number;
  /** Restarts in a row without a stable run between them; the exponent of the backoff. */
  readonly streak: number;
  /** When it was restarted, within the period of the restart intensity. */
  readonly recentRestarts: readonly number[];
}

/** Never restarted. */
export const noRestarts: RestartCount = { restarts: 0, streak: 0, recentRestarts: [] };

/** Settings of the spec that rule a life. */
export interface Rules {
  readonly restart: RestartPolicy;
  readonly stop: { readonly signal: string; readonly graceMs: number };
  /** Which probes there are; how they probe is the runners' business. */
  readonly probes: { readonly [Purpose in keyof Health]: boolean };
}

/** Why a run is being ended. */
export type StopCause =
  | { readonly kind: "stop" }
  | { readonly kind: "restart" }
  | { readonly kind: "unhealthy"; readonly detail: string };

/** Where it stands. A phase with a run has exactly one; the others have none. */
export type Phase =
  | { readonly status: "waiting"; readonly since: number; readonly for: string }
  /** What became of an earlier daemon's run is being found out. */
  | { readonly status: "recovering"; readonly since: number; readonly runId: string; readonly launchedAt: number }
  | { readonly status: "starting"; readonly since: number; readonly runId: string }
  /** A start that is no longer wanted; the driver has not answered yet. */
  | {
      readonly status: "cancelling";
      readonly since: number;
      readonly runId: string;
      readonly cause: StopCause;
      readonly graceMs: number;
    }
  | {
      readonly status: "running";
      readonly since: number;
      readonly runId: string;
      readonly pid: number;
      readonly startupPassed: boolean;
      readonly ready: boolean;
      /** What the probe that holds readiness back said last. */
      readonly notReady: string | null;
    }
  | {
      readonly status: "stopping";
      readonly since: number;
      readonly runId: string;
      readonly pid: number;
      /** When its program began to run. */
      readonly startedAt: number;
      readonly killAt: number;
      readonly cause: StopCause;
      /** When to ask the driver again, after it could not do it. */
      readonly retryAt: number | null;
    }
  | { readonly status: "backoff"; readonly since: number; readonly until: number; readonly last: Exit }
  | { readonly status: "stopped"; readonly since: number; readonly last: Exit | null }
  | { readonly status: "completed"; readonly since: number; readonly last: Exit }
  | { readonly status: "failed"; readonly since: number; readonly last: Exit | null; readonly reason: string };

/** Where an earlier daemon left a life that had no run then. */
export interface LifeLeft {
  readonly phase: Extract<Phase, { readonly status: "backoff" | "stopped" | "completed" | "failed" }>;
  readonly count: RestartCount;
}

/** A life that has not begun: stopped, wanting nothing; or one that goes on where it was left. */
export function newLifecycle(rules: Rules, nowMs: number, left?: LifeLeft): Lifecycle {
  const { phase: known = { status: "stopped", since: nowMs, last: null } as const, count = noRestarts } = left ?? {};
  const phase = known.status === "backoff" ? notBeyond(known, nowMs) : known;
  return { rules, goal: phase.status === "backoff" ? "up" : "down", phase, ...count, detached: false };
}

/** No longer than its whole wait from now: the clock may have been set back since an earlier daemon wrote it down. */
function notBeyond<Backoff extends Phase & { readonly status: "backoff" }>(phase: Backoff, nowMs: number): Backoff {
  return { ...phase, until: Math.min(phase.until, nowMs + Math.max(0, phase.until - phase.since)) };
}

/** The counts of a life. */
export function countOf({ restarts, streak, recentRestarts }: RestartCount): RestartCount {
  return { restarts, streak, recentRestarts };
}

/** The run that this life has now, if any. */
export function runOf({ phase }: Lifecycle): string | null {
  return "runId" in phase ? phase.runId : null;
}
