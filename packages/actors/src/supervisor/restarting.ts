import type { Cell } from "../cell/cell.ts";
import { exit, isOrderly, type ExitReason } from "../vocabulary/exit-reason.ts";
import { TERSE } from "../cell/flags.ts";
import { StopAlarm } from "../life/stop-alarm.ts";
import { signal } from "../cell/system-lane.ts";
import { backoffMs } from "../time/backoff.ts";
import type { Crashes, SupervisedChild } from "./child.ts";
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
  const crashes = noteCrash(state, child, reason);
  report(state, "child-terminated", child, reason, child.isRepeating);
  if (restart !== "temporary") return yield* restartChild(state, child, crashes);
  putDown(state, child);
  return autoShutdown(state, child);
}

/** Restarts `child`, and whom its supervisor's strategy says, within the budget. */
function* restartChild(state: SupervisorState, child: SupervisedChild, crashes: Crashes): Task<Verdict> {
  const { system } = state.cell;
  if (!state.budget.spend(system.host.nowMs())) {
    report(state, "gave-up", child, crashes.reason);
    putDown(state, child);
    return "shut-down";
  }
  system.counters.restarts += 1;
  child.cell = null;
  const { backoff } = child.plan;
  if (backoff === null) return yield* restartNow(state, child, crashes);
  yield* terminateInReverse(state, companions(state, child));
  awaitRestart(state, child, crashes, backoffMs(backoff, crashes.inRow - 1, system.host.random()));
  return "go-on";
}

/** Restarts without asking the budget again, and without a wait. */
function* restartNow(state: SupervisorState, child: SupervisedChild, crashes: Crashes): Task<Verdict> {
  const previous = crashes.reason;
  if (state.family.kind === "dynamic" || state.family.strategy === "one_for_one") {
    const outcome = yield* startChild(state, child, previous);
    if (outcome.kind === "failed") {
      report(state, "start-error", child, outcome.reason, child.isRepeating);
      tryAgain(state, child, outcome.reason);
    } else restarted(state, child, crashes);
    return "go-on";
  }
  yield* terminateInReverse(state, companions(state, child));
  child.phase = "stopped";
  const again = everyone(state, child);
  const failed = yield* startInOrder(state, again, (one) => (one === child ? previous : exit.shutdown));
  if (failed === null) restarted(state, child, crashes);
  else tryAgain(state, failed.child, failed.reason);
  return "go-on";
}

/** Leaves the supervisor to its other business for now; it comes back to this child by an alarm. */
function tryAgain(state: SupervisorState, child: SupervisedChild, reason: ExitReason): void {
  const crashes = noteCrash(state, child, reason);
  markRestarting(state, child);
  signal(state.cell, { kind: "alarm", token: new TryAgain(child, crashes) });
}

function awaitRestart(state: SupervisorState, child: SupervisedChild, crashes: Crashes, waitMs: number): void {
  markRestarting(state, child);
  crashes.alarm = new RestartAlarm(state.cell, child, crashes);
  state.cell.system.alarms.arm(crashes.alarm, waitMs);
}

function markRestarting({ family }: SupervisorState, child: SupervisedChild): void {
  child.phase = "restarting";
  if (family.kind === "dynamic") family.waiting.add(child);
}

/** Rings when a delayed restart is due. */
class RestartAlarm extends StopAlarm {
  readonly child: SupervisedChild;
  readonly crashes: Crashes;

  constructor(cell: Cell, child: SupervisedChild, crashes: Crashes) {
    super(cell);
    this.child = child;
    this.crashes = crashes;
  }
}

/** A failed restart that is to be tried again. */
class TryAgain {
  readonly child: SupervisedChild;
  readonly crashes: Crashes;

  constructor(child: SupervisedChild, crashes: Crashes) {
    this.child = child;
    this.crashes = crashes;
  }
}

/** An alarm rang: go on with the restart that it stands for. */
export function* alarmRang(state: SupervisorState, token: object): Task<Verdict> {
  if (token instanceof TryAgain && token.child.phase === "restarting")
    return yield* restartChild(state, token.child, token.crashes);
  // One that was called off while it rang, or that belongs to another task, means nothing.
  if (!(token instanceof RestartAlarm) || token.crashes.alarm !== token) return "go-on";
  token.crashes.alarm = null;
  return yield* restartNow(state, token.child, token.crashes);
}

function restarted(state: SupervisorState, child: SupervisedChild, crashes: Crashes): void {
  const { family } = state;
  if (family.kind === "dynamic") {
    family.waiting.delete(child);
    if (child.cell !== null) family.running += 1;
  }
  // Its next errors need no stack: the first one of the row had it.
  if (child.cell !== null) child.cell.flags |= TERSE;
  report(state, "restarted", child, crashes.reason);
}

function noteCrash(state: SupervisorState, child: SupervisedChild, reason: ExitReason): Crashes {
  const nowMs = state.cell.system.host.nowMs();
  const { crashes } = child;
  if (crashes === null) {
    child.crashes = { inRow: 1, total: 1, lastMs: nowMs, reason, alarm: null };
    return child.crashes;
  }
  const { backoff } = child.plan;
  const quietMs = backoff === null ? state.budget.periodMs : (backoff.resetAfterMs ?? backoff.maxMs);
  crashes.inRow = nowMs - crashes.lastMs > quietMs ? 1 : crashes.inRow + 1;
  crashes.total += 1;
  crashes.lastMs = nowMs;
  crashes.reason = reason;
  return crashes;
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
