import type { Cell, Extras } from "../cell/cell.ts";
import { describeExit, type ExitReason } from "../vocabulary/exit-reason.ts";
import { DEAD, STOPPING, SUPERVISOR } from "../cell/flags.ts";
import { endOffers } from "../cell/offer.ts";
import { take } from "../queue/mailbox.ts";
import { signal } from "../cell/system-lane.ts";
import { unwrap } from "../telemetry/tracing.ts";

/** The last step of a life: frees everything the cell holds and tells everybody who wanted to know. */
export function end(cell: Cell, reason: ExitReason): void {
  if ((cell.flags & DEAD) !== 0) return;
  const { system, extras, parent } = cell;
  cell.flags |= DEAD;
  system.release(cell);
  cell.script.interpreter?.ended(cell);
  if (cell.count > 0 || extras !== null) dropMessages(cell, extras);
  cell.ring = null;
  cell.state = reason;
  if (extras !== null) letGo(cell, extras, reason);
  if (parent !== null && !hasChildren(cell)) leaveParent(cell, parent, reason);
  system.ended(cell, reason);
}

/**
 * The parent hears of an end when the whole tree below is gone: only a killed actor leaves children behind for a
 * while, and its replacement may want what they hold.
 */
function leaveParent(cell: Cell, parent: Cell, reason: ExitReason): void {
  const { elder, younger } = cell;
  if (younger !== null) younger.elder = elder;
  else if (parent.extras !== null && parent.extras.youngest === cell) parent.extras.youngest = elder;
  if (elder !== null) elder.younger = younger;
  cell.elder = null;
  cell.younger = null;
  // A supervisor that is just spawning this child looks at the outcome itself.
  if ((parent.flags & (SUPERVISOR | STOPPING)) !== 0 && cell.child?.isSpawning !== true)
    signal(parent, { kind: "child-exit", child: cell, reason });
  if (reason.kind === "error" && cell.child === null) {
    cell.system.host.log("error", `${cell.address} ended with ${describeExit(reason)}`, reason.error);
  }
  if ((parent.flags & DEAD) !== 0 && !hasChildren(parent)) leaveAtLast(parent);
}

/** The last of what a killed actor had left behind is gone. */
function leaveAtLast(cell: Cell): void {
  const { system, extras, parent, state } = cell;
  if (extras !== null && extras.stopAlarm !== null) system.alarms.disarm(extras.stopAlarm);
  if (parent !== null) leaveParent(cell, parent, state as ExitReason);
}

function hasChildren({ extras }: Cell): boolean {
  return extras !== null && extras.youngest !== null;
}

/** What still waited is reported as dead letters. */
function dropMessages(cell: Cell, extras: Extras | null): void {
  const { deadLetters } = cell.system;
  if (extras?.stash) for (const message of extras.stash) deadLetters.add(cell, message, "dead");
  if (extras?.heap) while (extras.heap.size > 0) deadLetters.add(cell, unwrap(extras.heap.shift()), "dead");
  else while (cell.count > 0) deadLetters.add(cell, unwrap(take(cell)), "dead");
  cell.count = 0;
  const signals = extras?.signals;
  if (signals)
    for (let item = signals.shift(); item !== undefined; item = signals.shift())
      if (item.kind === "deliver") deadLetters.add(cell, item.message, "dead");
      else if (item.kind === "call") item.call.refuse();
}

function letGo(cell: Cell, extras: Extras, reason: ExitReason): void {
  const { system } = cell;
  if (extras.abort !== null) extras.abort.abort(reason);
  if (extras.stopAlarm !== null) system.alarms.disarm(extras.stopAlarm);
  if (extras.receiveTimeout !== null) system.alarms.disarm(extras.receiveTimeout);
  if (extras.timers !== null) for (const timer of extras.timers) timer.cancel();
  if (extras.names !== null) for (const name of extras.names) system.registry.free(name, cell);
  if (extras.groups !== null) system.groups.leaveAll(cell);
  if (extras.offers !== null) endOffers(extras.offers);
  for (let ask = extras.asks; ask !== null; ask = extras.asks) ask.targetEnded(reason);
  if (extras.monitoring !== null) for (const monitor of extras.monitoring) monitor.cancel();
  if (extras.watchers !== null) for (const monitor of extras.watchers) monitor.fire(reason);
  if (extras.links !== null) for (const linked of extras.links) linked.linkedExit(cell, reason);
}
