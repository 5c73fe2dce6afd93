import type { Cell } from "../cell/cell.ts";
import { IDLE_WATCHED, NOT_RECEIVING, OBSERVED, PRIORITY, SIGNALS, TERSE } from "../cell/flags.ts";
import { listen } from "./listen.ts";
import { take } from "../queue/mailbox.ts";
import { settle } from "../life/settle.ts";
import { withoutStacks } from "./terse-errors.ts";

/** Handles messages like the fast way, for actors with priorities, traces, hooks or timeouts. */
export function receiveCarefully(cell: Cell, limit: number): void {
  for (let left = limit; left > 0 && cell.count > 0 && (cell.flags & NOT_RECEIVING) === 0; left -= 1) {
    const carried = takeNext(cell);
    cell.handled += 1;
    const { hooks, tracing } = cell.system;
    const observed = (cell.flags & OBSERVED) !== 0 && hooks !== null;
    const message = tracing.open(cell, carried);
    const startedMs = observed ? cell.system.host.nowMs() : 0;
    try {
      const result = isTerse(cell) ? withoutStacks(cell, message) : receiveOne(cell, message);
      if (result !== undefined) settle(cell, result);
    } finally {
      tracing.close();
      if (observed) hooks.onMessage?.(cell, message, cell.system.host.nowMs() - startedMs);
    }
    if ((cell.flags & IDLE_WATCHED) !== 0) cell.extras?.receiveTimeout?.restart();
    if ((cell.flags & SIGNALS) !== 0) cell.handled += listen(cell);
    if ((cell.flags & SIGNALS) !== 0) return;
  }
}

/** Until it has run long enough; the next error is news again. */
function isTerse(cell: Cell): boolean {
  if ((cell.flags & TERSE) === 0) return false;
  if (cell.child?.hasSettled(cell.system.host.nowMs()) !== true) return true;
  cell.flags &= ~TERSE;
  return false;
}

function receiveOne(cell: Cell, message: unknown): unknown {
  return cell.script.receive(cell.state, message, cell);
}

function takeNext(cell: Cell): unknown {
  if ((cell.flags & PRIORITY) === 0) return take(cell);
  cell.count -= 1;
  return cell.extras?.heap?.shift();
}
