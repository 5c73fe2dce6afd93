import { afterEnd } from "./after-end.ts";
import type { LifecycleEffect, LifecycleEvent } from "./event.ts";
import { launch, type Step } from "./launch.ts";
import { type Lifecycle, type Phase, runOf, type StopCause } from "./lifecycle.ts";

/**
 * The state machine of an instance: no clock, no chance and no I/O of its own. Every event is legal in every state;
 * one that means nothing there changes nothing.
 *
 * @param random in [0, 1), for run names and jitter
 */
export function step(life: Lifecycle, event: LifecycleEvent, nowMs: number, random: number): Step {
  if (life.detached) return { next: life, effects: [] };
  if ("runId" in event && event.type !== "recover" && event.runId !== runOf(life)) return stay(life);
  switch (event.type) {
    case "rules":
      return stay({ ...life, rules: event.rules });
    case "wait":
      return wait(life, event.for, nowMs);
    case "start":
      return start(life, nowMs, random, event.firstRunId);
    case "stop":
      return stop({ ...life, goal: "down" }, event.graceMs ?? life.rules.stop.graceMs, nowMs);
    case "restart":
      return restart({ ...life, goal: "up" }, nowMs, random);
    case "recover":
      return recover(life, event, nowMs);
    case "recovered":
      return recovered(life, event, nowMs);
    case "never-started":
      return neverStarted(life, event.runId, nowMs, random);
    case "started":
      return started(life, event.pid, nowMs);
    case "start-failed":
      return startFailed(life, event, nowMs, random);
    case "ended":
      return ended(life, event, nowMs, random);
    case "stop-failed":
      return stopFailed(life, nowMs);
    case "probe":
      return probe(life, event, nowMs);
    case "wake":
      return wake(life, nowMs, random);
    case "detach":
      return { next: { ...life, detached: true }, effects: [{ type: "detach", runId: runOf(life) }] };
  }
}

/** When `wake` must be sent, in Unix milliseconds; `null`: only events matter. */
export function wakeAt({ phase, detached }: Lifecycle): number | null {
  if (detached) return null;
  if (phase.status === "backoff") return phase.until;
  return phase.status === "stopping" ? phase.retryAt : null;
}

/** Which probes must run now, and for which run. */
export function wantedProbes({ phase, rules, detached }: Lifecycle): WantedProbes | null {
  if (phase.status !== "running" || detached) return null;
  const { runId } = phase;
  if (!phase.startupPassed) return { runId, startup: true, readiness: false, liveness: false };
  const { readiness, liveness } = rules.probes;
  return readiness || liveness ? { runId, startup: false, readiness, liveness } : null;
}

/** The probes of a run that must be running. */
export interface WantedProbes {
  readonly runId: string;
  readonly startup: boolean;
  readonly readiness: boolean;
  readonly liveness: boolean;
}

const stay = (next: Lifecycle): Step => ({ next, effects: [] });
const enter = (life: Lifecycle, phase: Phase, ...effects: LifecycleEffect[]): Step => ({
  next: { ...life, phase },
  effects,
});

/** Time after which a driver that could not end a run is asked again. */
const stopRetryMs = 1000;

function wait(life: Lifecycle, reason: string, nowMs: number): Step {
  const { status } = life.phase;
  if (status === "waiting" || status === "stopped" || status === "completed" || status === "failed") {
    return enter({ ...life, goal: "up" }, { status: "waiting", since: nowMs, for: reason });
  }
  return stay(life);
}

function start(life: Lifecycle, nowMs: number, random: number, runId?: string): Step {
  const wanted: Lifecycle = life.goal === "up" ? life : { ...life, goal: "up" };
  switch (life.phase.status) {
    case "waiting":
    case "stopped":
    case "completed":
    case "failed":
      return launch({ ...wanted, streak: 0, recentRestarts: [] }, nowMs, random, runId);
    default:
      return stay(wanted);
  }
}

function stop(life: Lifecycle, graceMs: number, nowMs: number): Step {
  const { phase } = life;
  switch (phase.status) {
    case "recovering":
    case "stopped":
      return stay(life);
    case "waiting":
      return enter(life, { status: "stopped", since: nowMs, last: null });
    case "backoff":
    case "completed":
    case "failed":
      return enter(life, { status: "stopped", since: nowMs, last: phase.last });
    case "starting":
    case "running":
    case "cancelling":
    case "stopping":
      return end(life, { kind: "stop" }, graceMs, nowMs);
  }
}

function restart(life: Lifecycle, nowMs: number, random: number): Step {
  const { status } = life.phase;
  if (status === "running") return end(life, { kind: "restart" }, life.rules.stop.graceMs, nowMs);
  if (status === "backoff") return launch({ ...life, streak: 0, recentRestarts: [] }, nowMs, random);
  return start(life, nowMs, random);
}

/** Ends the present run; a later, longer grace never lengthens an earlier one. */
function end(life: Lifecycle, cause: StopCause, graceMs: number, nowMs: number): Step {
  const { phase, rules } = life;
  const { signal } = rules.stop;
  switch (phase.status) {
    case "starting":
      return enter(
        life,
        { status: "cancelling", since: nowMs, runId: phase.runId, cause, graceMs },
        { type: "cancel-launch", runId: phase.runId },
      );
    case "cancelling":
      return enter(life, { ...phase, graceMs: Math.min(phase.graceMs, graceMs) });
    case "running": {
      const { runId, pid, since: startedAt } = phase;
      const killAt = nowMs + graceMs;
      return enter(
        life,
        { status: "stopping", since: nowMs, runId, pid, startedAt, killAt, cause, retryAt: null },
        { type: "stop", runId, signal, graceMs },
      );
    }
    case "stopping": {
      const killAt = Math.min(phase.killAt, nowMs + graceMs);
      if (killAt === phase.killAt) return stay(life);
      const { runId } = phase;
      return enter(life, { ...phase, killAt }, { type: "stop", runId, signal, graceMs: Math.max(0, killAt - nowMs) });
    }
    default:
      return stay(life);
  }
}

function recover(
  life: Lifecycle,
  { runId, count, launchedAt }: LifecycleEvent & { type: "recover" },
  nowMs: number,
): Step {
  if (runOf(life) !== null) return stay(life);
  const phase: Phase = { status: "recovering", since: nowMs, runId, launchedAt };
  return enter({ ...life, ...count }, phase, { type: "recover", runId });
}

function recovered(life: Lifecycle, event: LifecycleEvent & { type: "recovered" }, nowMs: number): Step {
  if (life.phase.status !== "recovering") return stay(life);
  const running = run(life, event.pid, event.startedAt, event.notes.startupPassed, event.notes.ready);
  if (life.goal === "up") return stay(running);
  return end(running, { kind: "stop" }, life.rules.stop.graceMs, nowMs);
}

function neverStarted(life: Lifecycle, runId: string, nowMs: number, random: number): Step {
  if (life.phase.status !== "recovering") return stay(life);
  const rest =
    life.goal === "up" ? launch(life, nowMs, random) : enter(life, { status: "stopped", since: nowMs, last: null });
  return { next: rest.next, effects: [{ type: "release", runId }, ...rest.effects] };
}

function started(life: Lifecycle, pid: number, nowMs: number): Step {
  const { phase } = life;
  if (phase.status === "starting") {
    const next = run(life, pid, nowMs, false, false);
    return { next, effects: notes(life, next) };
  }
  if (phase.status !== "cancelling") return stay(life);
  const running = run(life, pid, nowMs, false, false);
  return end(running, phase.cause, phase.graceMs, nowMs);
}

/** Enters `running`: what no probe guards has passed already. */
function run(life: Lifecycle, pid: number, since: number, startupPassed: boolean, wasReady: boolean): Lifecycle {
  const runId = runOf(life);
  if (runId === null) return life;
  const passed = startupPassed || !life.rules.probes.startup;
  const ready = passed && (wasReady || !life.rules.probes.readiness);
  const notReady = ready ? null : `the ${passed ? "readiness" : "startup"} probe has not answered yet`;
  return { ...life, phase: { status: "running", since, runId, pid, startupPassed: passed, ready, notReady } };
}

function startFailed(
  life: Lifecycle,
  { exit, final, runId }: LifecycleEvent & { type: "start-failed" },
  nowMs: number,
  random: number,
): Step {
  const { phase } = life;
  if (phase.status === "starting") return afterEnd(life, { runId, exit, final, ranMs: 0, cause: null }, nowMs, random);
  if (phase.status !== "cancelling") return stay(life);
  return afterEnd(life, { runId, exit, final: false, ranMs: 0, cause: phase.cause }, nowMs, random);
}

function ended(
  life: Lifecycle,
  { exit, runId }: LifecycleEvent & { type: "ended" },
  nowMs: number,
  random: number,
): Step {
  const { phase } = life;
  switch (phase.status) {
    // By our own clock: that of the machine, which the exit is told by, may have been set since the run began.
    case "running":
      return afterEnd(life, { runId, exit, final: false, ranMs: nowMs - phase.since, cause: null }, nowMs, random);
    case "recovering": {
      // How long it ran counts, whoever watched.
      const ranMs = Math.max(0, exit.at - phase.launchedAt);
      return afterEnd(life, { runId, exit, final: false, ranMs, cause: null }, nowMs, random);
    }
    case "stopping": {
      const { cause, startedAt } = phase;
      return afterEnd(life, { runId, exit, final: false, ranMs: nowMs - startedAt, cause }, nowMs, random);
    }
    default:
      return stay(life);
  }
}

function stopFailed(life: Lifecycle, nowMs: number): Step {
  const { phase } = life;
  return phase.status === "stopping" ? enter(life, { ...phase, retryAt: nowMs + stopRetryMs }) : stay(life);
}

function probe(life: Lifecycle, event: LifecycleEvent & { type: "probe" }, nowMs: number): Step {
  const { phase } = life;
  if (phase.status !== "running") return stay(life);
  const { purpose, ok, detail } = event;
  if (ok === null) {
    if (phase.startupPassed) return stay(life);
    return stay({ ...life, phase: { ...phase, notReady: `the startup probe has not passed yet: ${detail}` } });
  }
  if (purpose === "readiness") {
    if (!phase.startupPassed) return stay(life);
    return noted(life, { ...life, phase: { ...phase, ready: ok, notReady: ok ? null : detail } });
  }
  if (!ok) {
    const cause: StopCause = { kind: "unhealthy", detail: `its ${purpose} probe failed: ${detail}` };
    return end(life, cause, life.rules.stop.graceMs, nowMs);
  }
  if (purpose === "liveness" || phase.startupPassed) return stay(life);
  return noted(life, run(life, phase.pid, phase.since, true, false));
}

function wake(life: Lifecycle, nowMs: number, random: number): Step {
  const { phase, rules } = life;
  if (phase.status === "backoff" && nowMs >= phase.until) return launch(life, nowMs, random);
  if (phase.status === "stopping" && phase.retryAt !== null && nowMs >= phase.retryAt) {
    const graceMs = Math.max(0, phase.killAt - nowMs);
    const { runId } = phase;
    return enter(life, { ...phase, retryAt: null }, { type: "stop", runId, signal: rules.stop.signal, graceMs });
  }
  return stay(life);
}

const noted = (before: Lifecycle, next: Lifecycle): Step => ({ next, effects: notes(before, next) });

/** What the next daemon should not have to learn again. */
function notes({ phase: before }: Lifecycle, { phase: after }: Lifecycle): LifecycleEffect[] {
  if (after.status !== "running") return [];
  const known = before.status === "running" ? before : { startupPassed: false, ready: false };
  if (known.startupPassed === after.startupPassed && known.ready === after.ready) return [];
  const { runId, startupPassed, ready } = after;
  return [{ type: "remember", runId, notes: { startupPassed, ready } }];
}
