import type { Cell } from "../cell/cell.ts";
import { exit, type ExitReason } from "../vocabulary/exit-reason.ts";
import { DEAD, IGNORED, STARTING, STARTING_CHILDREN } from "../cell/flags.ts";
import type { SupervisedChild } from "./child.ts";
import { report } from "./reporting.ts";
import type { SupervisorState } from "./supervisor-state.ts";
import type { Task } from "./task.ts";

/** How the start of one child went. */
export type StartOutcome =
  | { readonly kind: "started"; readonly cell: Cell }
  | { readonly kind: "ignored" }
  | { readonly kind: "failed"; readonly reason: ExitReason };

/** Starts `child` and waits until it has started. `previous` is why the actor that it replaces ended. */
export function* startChild(
  state: SupervisorState,
  child: SupervisedChild,
  previous: ExitReason | null,
): Task<StartOutcome> {
  const begun = beginStart(state, child, previous);
  if (begun.kind !== "started" || (begun.cell.flags & (STARTING | STARTING_CHILDREN)) === 0)
    return settled(state, child, begun);
  const { cell } = begun;
  const news = yield (signal) =>
    (signal.kind === "child-started" || signal.kind === "child-exit") && signal.child === cell;
  return settled(state, child, news.kind === "child-exit" ? outcomeOf(cell, news.reason) : begun);
}

/** Starts `child` as far as that goes without waiting. */
export function beginStart(state: SupervisorState, child: SupervisedChild, previous: ExitReason | null): StartOutcome {
  child.phase = "spawning";
  const { plan } = child;
  try {
    const cell = state.cell.system.spawnChild(state.cell, plan.script, child, plan.options, child.args, previous);
    if ((cell.flags & DEAD) !== 0) return outcomeOf(cell, cell.state as ExitReason);
    child.phase = "running";
    child.cell = cell;
    return { kind: "started", cell };
  } catch (error) {
    return { kind: "failed", reason: exit.error(error) };
  }
}

/** Starts all children of a list in order; stops at the first that fails, and says which. */
export function* startInOrder(
  state: SupervisorState,
  children: readonly SupervisedChild[],
  previous: (child: SupervisedChild) => ExitReason | null,
): Task<{ readonly child: SupervisedChild; readonly reason: ExitReason } | null> {
  for (const child of children) {
    const outcome = yield* startChild(state, child, previous(child));
    if (outcome.kind === "failed") {
      report(state, "start-error", child, outcome.reason, child.isRepeating);
      return { child, reason: outcome.reason };
    }
    if (outcome.kind === "ignored" && child.plan.restart === "temporary") forget(state, child);
  }
  return null;
}

/** Takes a child that has ended, or never ran, off the books as OTP does: a temporary one is forgotten altogether. */
export function putDown(state: SupervisorState, child: SupervisedChild): void {
  child.phase = "stopped";
  child.cell = null;
  callOffRestart(state, child);
  if (state.family.kind === "dynamic" || child.plan.restart === "temporary") forget(state, child);
}

/** A restart that waits for its time does not come any more. */
export function callOffRestart(state: SupervisorState, { crashes }: SupervisedChild): void {
  if (crashes === null || crashes.alarm === null) return;
  state.cell.system.alarms.disarm(crashes.alarm);
  crashes.alarm = null;
}

/** Forgets a child and its spec. */
export function forget(state: SupervisorState, child: SupervisedChild): void {
  if (state.family.kind === "dynamic") state.family.waiting.delete(child);
  else if (child.plan.id !== null) state.family.children.delete(child.plan.id);
}

function settled(state: SupervisorState, child: SupervisedChild, outcome: StartOutcome): StartOutcome {
  if (outcome.kind === "started") {
    if (child.crashes !== null) child.crashes.settledMs = state.cell.system.host.nowMs() + quietMsOf(state, child);
    return outcome;
  }
  child.phase = "stopped";
  child.cell = null;
  return outcome;
}

/** How long it must run without a crash; what it waited before it ran does not count. */
function quietMsOf({ budget }: SupervisorState, { plan: { backoff } }: SupervisedChild): number {
  return backoff === null ? budget.periodMs : (backoff.resetAfterMs ?? backoff.maxMs);
}

function outcomeOf(cell: Cell, reason: ExitReason): StartOutcome {
  return (cell.flags & IGNORED) !== 0 ? { kind: "ignored" } : { kind: "failed", reason };
}
