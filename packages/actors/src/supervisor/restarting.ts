import type { Cell } from "../cell/cell.ts";
import { exit, isOrderly, type ExitReason } from "../vocabulary/exit-reason.ts";
import { TERSE } from "../cell/flags.ts";
import { StopAlarm } from "../life/stop-alarm.ts";
import { signal } from "../cell/system-lane.ts";
import { backoffMs } from "../time/backoff.ts";
import type { SupervisedChild } from "./child.ts";
import { report } from "./reporting.ts";
import { putDown, startChild, startInOrder } from "./starting-children.ts";
import type { SupervisorState } from "./supervisor-state.ts";
import type { Task } from "./task.ts";
import { terminateInReverse } from "./terminating.ts";

/** Whether the supervisor goes on, or ends itself. */
export type Verdict = "go-on" | "shut-down";

/** Does what the restart type of `child` says, now that its actor has ended with `reason`. */
export function* childExited(state: SupervisorState, child: SupervisedChild, reason: ExitReason): Task<Verdict> {
  const { restart } = child.plan;
  if (restart !== "permanent" && isOrderly(reason)) {
    putDown(state, child);
    return autoShutdown(state, child);
  }
  noteCrash(state, child, reason);
  report(state, "child-terminated", child, reason, (child.crashes?.inRow ?? 0) > 1);
  if (restart !== "temporary") return yield* restartChild(state, child);
  putDown(state, child);
  return autoShutdown(state, child);
}

/** Restarts `child`, and whom its supervisor's strategy says, within the budget. */
export function* restartChild(state: SupervisorState, child: SupervisedChild): Task<Verdict> {
  const { system } = state.cell;
  const reason = child.crashes?.reason ?? exit.normal;
  if (!state.budget.spend(system.host.nowMs())) {
    report(state, "gave-up", child, reason);
    putDown(state, child);
    return "shut-down";
  }
  system.counters.restarts += 1;
  child.cell = null;
  const waitMs = restartDelayMs(state, child);
  if (waitMs === 0) return yield* restartNow(state, child);
  yield* terminateInReverse(state, companions(state, child));
  awaitRestart(state, child, waitMs);
  return "go-on";
}

/** Restarts without asking the budget again, and without a wait. */
export function* restartNow(state: SupervisorState, child: SupervisedChild): Task<Verdict> {
  const previous = child.crashes?.reason ?? null;
  if (state.family.kind === "dynamic" || state.family.strategy === "one_for_one") {
    const outcome = yield* startChild(state, child, previous);
    if (outcome.kind === "failed") {
      report(state, "start-error", child, outcome.reason, (child.crashes?.inRow ?? 0) > 1);
      tryAgain(state, child, outcome.reason);
    } else restarted(state, child);
    return "go-on";
  }
  const group = companions(state, child);
  yield* terminateInReverse(state, group);
  child.phase = "stopped";
  const again = everyone(state, child).filter((one) => one === child || group.includes(one));
  const failed = yield* startInOrder(state, again, (one) => (one === child ? previous : exit.shutdown));
  if (failed === null) restarted(state, child);
  else tryAgain(state, failed.child, failed.reason);
  return "go-on";
}

/** The wait that the child's backoff asks for before its next restart. */
function restartDelayMs(state: SupervisorState, child: SupervisedChild): number {
  const { backoff } = child.plan;
  if (backoff === null) return 0;
  return backoffMs(backoff, Math.max(0, (child.crashes?.inRow ?? 1) - 1), state.cell.system.host.random());
}

/** Leaves the supervisor to its other business for now; it comes back to this child by an alarm. */
function tryAgain(state: SupervisorState, child: SupervisedChild, reason: ExitReason): void {
  noteCrash(state, child, reason);
  child.phase = "restarting";
  if (state.family.kind === "dynamic") state.family.waiting.add(child);
  signal(state.cell, { kind: "alarm", token: new TryAgain(child) });
}

function awaitRestart(state: SupervisorState, child: SupervisedChild, waitMs: number): void {
  child.phase = "restarting";
  if (state.family.kind === "dynamic") state.family.waiting.add(child);
  const alarm = new RestartAlarm(state.cell, child);
  if (child.crashes !== null) child.crashes.alarm = alarm;
  state.cell.system.alarms.arm(alarm, waitMs);
}

/** Rings when a delayed restart is due. */
class RestartAlarm extends StopAlarm {
  readonly child: SupervisedChild;

  constructor(cell: Cell, child: SupervisedChild) {
    super(cell);
    this.child = child;
  }
}

/** A failed restart that is to be tried again. */
export class TryAgain {
  readonly child: SupervisedChild;

  constructor(child: SupervisedChild) {
    this.child = child;
  }
}

/** An alarm rang: go on with the restart that it stands for. */
export function* alarmRang(state: SupervisorState, token: object): Task<Verdict> {
  if (token instanceof TryAgain)
    return token.child.phase === "restarting" ? yield* restartChild(state, token.child) : "go-on";
  if (!(token instanceof RestartAlarm) || token.child.crashes?.alarm !== token) return "go-on";
  token.child.crashes.alarm = null;
  return token.child.phase === "restarting" ? yield* restartNow(state, token.child) : "go-on";
}

function restarted(state: SupervisorState, child: SupervisedChild): void {
  if (state.family.kind === "dynamic") {
    state.family.waiting.delete(child);
    if (child.phase === "running") state.family.running += 1;
  }
  if (child.cell !== null && (child.crashes?.inRow ?? 0) > 0) child.cell.flags |= TERSE;
  report(state, "restarted", child, child.crashes?.reason ?? exit.normal);
}

function noteCrash(state: SupervisorState, child: SupervisedChild, reason: ExitReason): void {
  const nowMs = state.cell.system.host.nowMs();
  const { crashes } = child;
  if (crashes === null) {
    child.crashes = { inRow: 1, total: 1, lastMs: nowMs, reason, alarm: null };
    return;
  }
  const { backoff } = child.plan;
  const quietMs = backoff === null ? state.budget.periodMs : (backoff.resetAfterMs ?? backoff.maxMs);
  crashes.inRow = nowMs - crashes.lastMs > quietMs ? 1 : crashes.inRow + 1;
  crashes.total += 1;
  crashes.lastMs = nowMs;
  crashes.reason = reason;
}

/** The others that are restarted together with `child`, in start order. */
function companions(state: SupervisorState, child: SupervisedChild): SupervisedChild[] {
  return everyone(state, child).filter((one) => one !== child);
}

function everyone(state: SupervisorState, child: SupervisedChild): SupervisedChild[] {
  if (state.family.kind === "dynamic" || state.family.strategy === "one_for_one") return [child];
  const all = [...state.family.children.values()];
  return state.family.strategy === "one_for_all" ? all : all.slice(all.indexOf(child));
}

function autoShutdown(state: SupervisorState, ended: SupervisedChild): Verdict {
  if (state.autoShutdown === "never" || !ended.plan.significant) return "go-on";
  if (state.autoShutdown === "any_significant") return "shut-down";
  const { family } = state;
  if (family.kind === "dynamic") return family.running + family.waiting.size === 0 ? "shut-down" : "go-on";
  for (const child of family.children.values()) if (child.phase !== "stopped" && child.plan.significant) return "go-on";
  return "shut-down";
}
