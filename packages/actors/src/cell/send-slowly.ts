import { type Cell, extrasOf } from "./cell.ts";
import type { SendOutcome } from "../vocabulary/actor-ref.ts";
import { DEAD, INTERCEPTED, NOT_WAKEABLE, PRIORITY, STOPPING, TRACED } from "./flags.ts";
import { append, take } from "../queue/mailbox.ts";
import { PriorityHeap } from "../queue/priority-heap.ts";
import { unwrap } from "../telemetry/tracing.ts";

/** Sends to an actor about which something is unusual: ended, full, with priorities, traced or under test. */
export function sendSlowly(cell: Cell, message: unknown): SendOutcome {
  if ((cell.flags & INTERCEPTED) !== 0) return cell.system.intercept(cell, message);
  return deliverSlowly(cell, message);
}

/** The same, past whatever a test put in between. */
export function deliverSlowly(cell: Cell, message: unknown): SendOutcome {
  if ((cell.flags & (DEAD | STOPPING)) !== 0) {
    cell.system.deadLetters.add(cell, message, "dead");
    return "dead";
  }
  if (cell.count >= cell.capacity) {
    const outcome = overflow(cell, message);
    if (outcome !== "queued") return outcome;
  }
  const carried = (cell.flags & TRACED) !== 0 ? cell.system.tracing.envelop(message) : message;
  if ((cell.flags & PRIORITY) !== 0) pushByPriority(cell, carried);
  else if (cell.count === 0) {
    cell.head = carried;
    cell.count = 1;
  } else append(cell, carried);
  if ((cell.flags & NOT_WAKEABLE) === 0) cell.system.runQueue.add(cell);
  return "queued";
}

function overflow(cell: Cell, message: unknown): SendOutcome {
  const { overflow: policy } = cell.extras?.limits ?? cell.script.limits;
  const { deadLetters } = cell.system;
  switch (policy) {
    case "reject":
    case "block":
      deadLetters.add(cell, message, "rejected");
      return "rejected";
    case "drop-newest":
      deadLetters.add(cell, message, "dropped");
      return "dropped";
    case "drop-oldest":
      deadLetters.add(cell, unwrap(removeOldest(cell)), "dropped");
      return "queued";
  }
}

function removeOldest(cell: Cell): unknown {
  const heap = cell.extras?.heap;
  if (heap === null || heap === undefined) return take(cell);
  cell.count -= 1;
  return heap.removeOldest();
}

function pushByPriority(cell: Cell, message: unknown): void {
  const heap = heapOf(cell);
  heap.push(message);
  cell.count = heap.size;
}

/** Puts a message before those of its rank, whether there is room or not. */
export function putBackByPriority(cell: Cell, message: unknown): void {
  const heap = heapOf(cell);
  heap.putBack(message);
  cell.count = heap.size;
}

function heapOf(cell: Cell): PriorityHeap {
  const extras = extrasOf(cell);
  const rankOf = (extras.limits ?? cell.script.limits).priority as (message: unknown) => number;
  return (extras.heap ??= new PriorityHeap((item) => rankOf(unwrap(item))));
}
