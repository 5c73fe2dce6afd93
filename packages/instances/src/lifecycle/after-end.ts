import { type Exit, formatDuration } from "@constellation/contract";
import { backoffMs, withinPeriod } from "./backoff.ts";
import type { LifecycleEffect } from "./event.ts";
import type { Lifecycle, Phase, StopCause } from "./lifecycle.ts";
import { launch, type Step } from "./launch.ts";

/** A run's end and what is known of it. */
export interface EndedRun {
  readonly runId: string;
  readonly exit: Exit;
  /** Starting it again cannot help. */
  readonly final: boolean;
  readonly ranMs: number;
  /** Why it was being ended; `null`: nobody asked. */
  readonly cause: StopCause | null;
}

/** What follows the end of a run: nothing, another start now, or one after a while. */
export function afterEnd(life: Lifecycle, run: EndedRun, nowMs: number, random: number): Step {
  const exit = worded(run);
  const rest = decide(life, { ...run, exit }, nowMs, random);
  const record: LifecycleEffect = { type: "record-end", runId: run.runId, exit };
  return { next: rest.next, effects: [record, ...rest.effects] };
}

/** A run that a probe condemned ended as `unhealthy`, whatever it died of in the end. */
function worded({ exit, cause }: EndedRun): Exit {
  if (cause?.kind !== "unhealthy") return exit;
  return { ...exit, kind: "unhealthy", reason: `${cause.detail}; then ${exit.reason}` };
}

function decide(life: Lifecycle, { exit, final, ranMs, cause }: EndedRun, nowMs: number, random: number): Step {
  const settle = (phase: Phase): Step => ({ next: { ...life, phase }, effects: [] });
  if (life.goal === "down") return settle({ status: "stopped", since: nowMs, last: exit });
  // Stopped on request and wanted again meanwhile, or restarted: no failure, so neither backoff nor intensity.
  if (cause !== null && cause.kind !== "unhealthy") return launch({ ...life, streak: 0 }, nowMs, random);
  if (final) return settle({ status: "failed", since: nowMs, last: exit, reason: exit.reason });

  const { policy } = life.rules.restart;
  const good = exit.kind === "completed";
  if (good && policy !== "always") return settle({ status: "completed", since: nowMs, last: exit });
  if (policy === "never") return settle({ status: "failed", since: nowMs, last: exit, reason: exit.reason });
  return again(life, exit, ranMs, nowMs, random);
}

function again(life: Lifecycle, exit: Exit, ranMs: number, nowMs: number, random: number): Step {
  const policy = life.rules.restart;
  const recent = withinPeriod(life.recentRestarts, policy, nowMs);
  if (policy.intensity !== null && recent.length >= policy.intensity) {
    const reason = `restarted ${recent.length} times within ${formatDuration(policy.periodMs)}; at last it ${exit.reason}`;
    return { next: { ...life, phase: { status: "failed", since: nowMs, last: exit, reason } }, effects: [] };
  }
  const streak = ranMs >= policy.resetAfterMs ? 0 : life.streak;
  const delayMs = backoffMs(policy, streak, random);
  const counted: Lifecycle = {
    ...life,
    restarts: life.restarts + 1,
    streak: streak + 1,
    recentRestarts: policy.intensity === null ? [] : [...recent, nowMs].slice(-policy.intensity),
  };
  if (delayMs === 0) return launch(counted, nowMs, random);
  const phase: Phase = { status: "backoff", since: nowMs, until: nowMs + delayMs, last: exit };
  return { next: { ...counted, phase }, effects: [] };
}
