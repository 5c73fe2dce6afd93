import type { Cell, Signal } from "../cell/cell.ts";
import { exit, isOrderly, type ExitReason } from "../vocabulary/exit-reason.ts";
import { childrenOf, kill } from "../life/killing.ts";
import { StopAlarm } from "../life/stop-alarm.ts";
import { signal } from "../cell/system-lane.ts";
import type { SupervisedChild } from "./child.ts";
import { report } from "./reporting.ts";
import { putDown } from "./starting-children.ts";
import type { DynamicFamily, SupervisorState } from "./supervisor-state.ts";
import type { Task } from "./task.ts";

/** Ends one child as its `shutdown` says, and waits for that. */
export function* terminate(state: SupervisorState, child: SupervisedChild): Task<void> {
  const { cell, plan } = child;
  if (cell === null) return;
  const reason = yield* bringDown(state, cell, plan.shutdown);
  const asTold =
    plan.shutdown === "brutal_kill"
      ? reason.kind === "killed"
      : reason.kind === "shutdown" && reason.detail === undefined;
  if (!asTold && !(isOrderly(reason) && plan.restart !== "permanent")) report(state, "shutdown-error", child, reason);
}

/** Ends the children of a list, the last one first, and puts them down. */
export function* terminateInReverse(state: SupervisorState, children: readonly SupervisedChild[]): Task<void> {
  for (const child of children.toReversed()) {
    yield* terminate(state, child);
    putDown(state, child);
  }
}

/** Ends all children of a dynamic supervisor at the same time. */
export function* terminateDynamic(state: SupervisorState, family: DynamicFamily): Task<void> {
  const { shutdown } = family.plan;
  for (const child of family.waiting) putDown(state, child);
  const left = new Set(childrenOf(state.cell).toReversed());
  const { alarms } = state.cell.system;
  for (const cell of left)
    if (shutdown === "brutal_kill") kill(cell);
    else signal(cell, { kind: "stop", reason: exit.shutdown });
  const alarm = typeof shutdown === "number" && left.size > 0 ? new StopAlarm(state.cell) : null;
  if (alarm !== null) alarms.arm(alarm, shutdown as number);
  while (left.size > 0) {
    const news: Signal = yield (item) =>
      (item.kind === "child-exit" && left.has(item.child)) || (item.kind === "alarm" && item.token === alarm);
    if (news.kind === "child-exit") left.delete(news.child);
    else for (const cell of left) kill(cell);
  }
  if (alarm !== null) alarms.disarm(alarm);
  family.running = 0;
}

function* bringDown(state: SupervisorState, cell: Cell, shutdown: number | string): Task<ExitReason> {
  if (shutdown === "brutal_kill") {
    kill(cell);
    return yield* exitReason(cell);
  }
  signal(cell, { kind: "stop", reason: exit.shutdown });
  if (typeof shutdown !== "number") return yield* exitReason(cell);
  const { alarms } = state.cell.system;
  const alarm = new StopAlarm(state.cell);
  alarms.arm(alarm, shutdown);
  const news = yield (item) =>
    (item.kind === "child-exit" && item.child === cell) || (item.kind === "alarm" && item.token === alarm);
  alarms.disarm(alarm);
  if (news.kind === "child-exit") return news.reason;
  kill(cell);
  return yield* exitReason(cell);
}

/** Waits for the end of a child. */
function* exitReason(cell: Cell): Task<ExitReason> {
  const news = yield (item) => item.kind === "child-exit" && item.child === cell;
  return (news as Signal & { kind: "child-exit" }).reason;
}
