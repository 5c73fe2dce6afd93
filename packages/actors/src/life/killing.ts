import { type Cell, extrasOf } from "../cell/cell.ts";
import { end } from "./ending.ts";
import { exit, type ExitReason } from "../vocabulary/exit-reason.ts";
import { DEAD, KILLED, RUNNING, STOPPING } from "../cell/flags.ts";
import { signal } from "../cell/system-lane.ts";
import { WheelEntry } from "../time/timer-wheel.ts";

/** Ends at once: no `onStop`, no waiting for handlers or children. Of a dead cell it kills what it left behind. */
export function kill(cell: Cell): void {
  if ((cell.flags & DEAD) !== 0) {
    for (const child of childrenOf(cell)) kill(child);
    return;
  }
  if ((cell.flags & RUNNING) !== 0) {
    cell.flags |= KILLED | STOPPING;
    extrasOf(cell).exitReason = exit.killed;
    return;
  }
  endKilled(cell);
}

/** The end of a killed actor: its children end in order, and nobody is left to hurry them but an alarm. */
export function endKilled(cell: Cell, reason: ExitReason = exit.killed): void {
  const children = childrenOf(cell).toReversed();
  for (const child of children) signal(child, { kind: "stop", reason: exit.killed });
  end(cell, reason);
  if (children.length === 0) return;
  const alarm = new ReaperAlarm(children);
  cell.system.alarms.arm(alarm, cell.system.stopTimeoutMs);
  extrasOf(cell).stopAlarm = alarm;
}

/** The living children, youngest first. */
export function childrenOf(cell: Cell): Cell[] {
  const children: Cell[] = [];
  for (let child = cell.extras?.youngest ?? null; child !== null; child = child.elder) children.push(child);
  return children;
}

/** The children had long enough to end in order. */
export function killChildren(cell: Cell): void {
  if ((cell.flags & STOPPING) === 0) return;
  for (const child of childrenOf(cell)) kill(child);
}

/** Kills actors that were told to end and had long enough. */
export class ReaperAlarm extends WheelEntry {
  readonly #cells: readonly Cell[];

  constructor(cells: readonly Cell[]) {
    super();
    this.#cells = cells;
  }

  override expire(): void {
    for (const cell of this.#cells) kill(cell);
  }
}
