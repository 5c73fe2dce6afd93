import type { Cell } from "../cell/cell.ts";
import { exit, isOrderly, type ExitReason } from "../vocabulary/exit-reason.ts";
import { TERSE } from "../cell/flags.ts";
import { StopAlarm } from "../life/stop-alarm.ts";
import { signal } from "../cell/system-lane.ts";
import { backoffMs } from "../time/backoff.ts";
import type { Crashes, SupervisedChild } from "./child.ts";
import { report } from "./reporting.ts";
import { putDown, startInOrder } from "./starting-children.ts";
import type { SupervisorState } from "./supervisor-state.ts";
import type { Task } from "./task.ts";
import { terminateInReverse } from "./terminating.ts";

/** Does what the restart type of `child` says, now that its actor has ended. True: the supervisor must end itself. */
export function* childExited(state: SupervisorState, child: SupervisedChild, reason: ExitReason): Task<boolean> {
  const { restart } = child.plan;
  if (restart !== "permanent" && isOrderly(reason)) {
    putDown(state, child);
    return endsSupervisor(state, child);
  }
  const crashes = noteCrash(state, child, reason);
  report(state, "child-terminated", child, reason, child.isRepeating);
  if (restart !== "temporary") return yield* restartChild(state, child, crashes);
  putDown(state, child);
  return endsSupervisor(state, child);
}

/** An alarm rang: goes on with the restart that it stands for. True: the supervisor must end itself. */
export function* alarmRang(state: SupervisorState, token: object): Task<boolean> {
  if (token instanceof TryAgain && token.child.phase === "restarting")
    return yield* restartChild(state, token.child, token.crashes);
  // One that was called off while it rang, or that belongs to another task, means nothing.
  if (token instanceof RestartAlarm && token.crashes.alarm === token) {
    token.crashes.alarm = null;
    // Somebody may have started others of them by hand meanwhile.
    yield* terminateInReverse(state, together(state, token.child));
    yield* restartNow(state, token.child, token.crashes);
  }
  return false;
}

/** Restarts `child`, and whom its supervisor's strategy says, within the budget. True: that is spent. */
function* restartChild(state: SupervisorState, child: SupervisedChild, crashes: Crashes): Task<boolean> {
  const { system } = state.cell;
  if (!state.budget.spend(system.host.nowMs())) {
    report(state, "gave-up", child, crashes.reason);
    putDown(state, child);
    return true;
  }
  system.counters.restarts += 1;
  child.cell = null;
  yield* terminateInReverse(state, together(state, child));
  const { backoff } = child.plan;
  if (backoff === null) yield* restartNow(state, child, crashes);
  else awaitRestart(state, child, crashes, backoffMs(backoff, crashes.inRow - 1, system.host.random()));
  return false;
}

/** Starts what was ended together, without asking the budget again. */
function* restartNow(state: SupervisorState, child: SupervisedChild, crashes: Crashes): Task<void> {
  const { reason } = crashes;
  const previous = (one: SupervisedChild): ExitReason => (one === child ? reason : exit.shutdown);
  const failed = yield* startInOrder(state, together(state, child), previous);
  if (failed === null) restarted(state, child, reason);
  else tryAgain(state, failed.child, failed.reason);
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

function restarted(state: SupervisorState, child: SupervisedChild, reason: ExitReason): void {
  const { family } = state;
  if (family.kind === "dynamic") {
    family.waiting.delete(child);
    if (child.cell !== null) family.running += 1;
  }
  // Its next errors need no stack: the first one of the row had it.
  if (child.cell !== null) child.cell.flags |= TERSE;
  report(state, "restarted", child, reason);
}

function noteCrash(state: SupervisorState, child: SupervisedChild, reason: ExitReason): Crashes {
  const { crashes } = child;
  if (crashes === null) {
    child.crashes = { inRow: 1, total: 1, settledMs: Infinity, reason, alarm: null };
    return child.crashes;
  }
  crashes.inRow = child.hasSettled(state.cell.system.host.nowMs()) ? 1 : crashes.inRow + 1;
  crashes.total += 1;
  crashes.settledMs = Infinity;
  crashes.reason = reason;
  return crashes;
}

/** Those that are restarted together with `child`, in start order. */
function together({ family }: SupervisorState, child: SupervisedChild): SupervisedChild[] {
  if (family.kind === "dynamic" || family.strategy === "one_for_one") return [child];
  const all = [...family.children.values()];
  return family.strategy === "one_for_all" ? all : all.slice(all.indexOf(child));
}

/** Whether the end of a child that is not restarted ends its supervisor, too. */
function endsSupervisor({ autoShutdown, family }: SupervisorState, ended: SupervisedChild): boolean {
  if (!ended.plan.significant) return false;
  if (autoShutdown === "any_significant") return true;
  if (family.kind === "dynamic") return family.running + family.waiting.size === 0;
  return ![...family.children.values()].some(({ phase, plan }) => phase !== "stopped" && plan.significant);
}
