import { extrasOf, type Cell, type Signal } from "../cell/cell.ts";
import type { Fifo } from "../queue/fifo.ts";
import { exit } from "../vocabulary/exit-reason.ts";
import { NOT_LISTENING, SIGNALS, STOPPING, TRAPS_EXITS } from "../cell/flags.ts";
import { killChildren } from "../life/killing.ts";
import { settle } from "../life/settle.ts";
import type { ActorSignal } from "../vocabulary/signal.ts";
import { beginStop, childEnded } from "../life/stopping.ts";

/**
 * Handles what waits in the system lane, as far as the cell can listen. What comes meanwhile waits for the next turn, or
 * one signal that brings another would keep everybody else from theirs. Returns how many messages it handled.
 */
export function listen(cell: Cell): number {
  let handled = 0;
  const extras = extrasOf(cell);
  const signals = extras.signals as Fifo<Signal>;
  const { interpreter } = cell.script;
  for (let left = signals.size; left > 0 && signals.size > 0 && (cell.flags & NOT_LISTENING) === 0; left -= 1) {
    const item = signals.shift() as Signal;
    extras.signalsHandled += 1;
    if (interpreter !== null) interpreter.signal(cell, item);
    else handled += handle(cell, item as OrdinarySignal);
  }
  if (signals.size === 0) cell.flags &= ~SIGNALS;
  return handled;
}

/** A supervisor is told the others, too. */
type OrdinarySignal = Exclude<Signal, { kind: "child-started" | "call" }>;

function handle(cell: Cell, item: OrdinarySignal): number {
  switch (item.kind) {
    case "stop":
      beginStop(cell, item.reason);
      return 0;
    case "exit":
      if ((cell.flags & TRAPS_EXITS) !== 0) inform(cell, item);
      else if (item.reason.kind !== "normal") beginStop(cell, item.reason);
      return 0;
    case "down":
      inform(cell, item);
      return 0;
    case "receive-timeout":
      keepSilence(cell, item);
      return 0;
    case "deliver":
      item.isWaiting = false;
      return deliver(cell, item.message);
    case "fail":
      beginStop(cell, exit.error(item.error));
      return 0;
    case "child-exit":
      childEnded(cell);
      return 0;
    case "alarm":
      killChildren(cell);
      return 0;
  }
}

function keepSilence(cell: Cell, item: ActorSignal): void {
  const timeout = cell.extras?.receiveTimeout ?? null;
  // Turned off while the news waited.
  if (timeout === null) return;
  timeout.restart();
  // A message that waits is no silence.
  if (cell.count === 0) inform(cell, item);
}

function inform(cell: Cell, item: ActorSignal): void {
  if ((cell.flags & STOPPING) !== 0) return;
  const { onSignal } = cell.script;
  if (onSignal === null) return;
  const result = onSignal(cell.state, item, cell);
  if (result !== undefined) settle(cell, result);
}

function deliver(cell: Cell, message: unknown): number {
  if ((cell.flags & STOPPING) !== 0) {
    cell.system.deadLetters.add(cell, message, "dead");
    return 0;
  }
  const result = cell.script.receive(cell.state, message, cell);
  if (result !== undefined) settle(cell, result);
  return 1;
}
