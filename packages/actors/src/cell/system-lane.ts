import { type Cell, extrasOf, type Signal } from "./cell.ts";
import { Fifo } from "../queue/fifo.ts";
import { BUSY, DEAD, QUEUED, SIGNALS, STARTING } from "./flags.ts";

/** Puts a signal into the system lane of `cell`, which has no bound and goes before user messages. */
export function signal(cell: Cell, item: Signal): void {
  if ((cell.flags & DEAD) !== 0) return;
  const extras = extrasOf(cell);
  (extras.signals ??= new Fifo()).push(item);
  cell.flags |= SIGNALS;
  if ((cell.flags & (STARTING | BUSY)) !== 0) {
    // It listens only when its handler is done: a handler that watches `context.signal` is done sooner.
    if (item.kind === "stop") (extras.abort ??= new AbortController()).abort(item.reason);
  } else if ((cell.flags & QUEUED) === 0) cell.system.runQueue.add(cell);
}
