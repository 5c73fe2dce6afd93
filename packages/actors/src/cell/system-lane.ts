import { type Cell, extrasOf, type Signal } from "./cell.ts";
import { Fifo } from "../queue/fifo.ts";
import { exit, type ExitReason } from "../vocabulary/exit-reason.ts";
import { BUSY, DEAD, QUEUED, SIGNALS, STARTING, TRAPS_EXITS } from "./flags.ts";

/** Puts a signal into the system lane of `cell`, which has no bound and goes before user messages. */
export function signal(cell: Cell, item: Signal): void {
  if ((cell.flags & DEAD) !== 0) return;
  const extras = extrasOf(cell);
  (extras.signals ??= new Fifo()).push(item);
  cell.flags |= SIGNALS;
  if ((cell.flags & (STARTING | BUSY)) !== 0) {
    // It listens only when its handler is done: a handler that watches `context.signal` is done sooner.
    const reason = endBy(cell, item);
    if (reason !== null) (extras.abort ??= new AbortController()).abort(reason);
  } else if ((cell.flags & QUEUED) === 0) cell.system.runQueue.add(cell);
}

/** What the cell will end with when it hears of this; null when it goes on. */
function endBy(cell: Cell, item: Signal): ExitReason | null {
  if (item.kind === "stop") return item.reason;
  if (item.kind === "fail") return exit.error(item.error);
  return item.kind === "exit" && item.reason.kind !== "normal" && (cell.flags & TRAPS_EXITS) === 0 ? item.reason : null;
}
