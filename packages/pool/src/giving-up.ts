import { PoolError } from "./failure.ts";
import { onAbort } from "./on-abort.ts";
import type { Task } from "./task.ts";
import { order } from "./wire/protocol.ts";

/** Lets `signal` end a task; `giveUp` is called at most once, and not after the task is settled. */
export function heed(task: Task, signal: AbortSignal, giveUp: (task: Task, reason: unknown) => void): void {
  task.onSettled(onAbort(signal, () => giveUp(task, signal.reason)));
}

/** Starts the clock of a task that has been sent. */
export function startClock(task: Task, giveUp: (task: Task, reason: unknown) => void): void {
  if (task.timeoutMs === Infinity) return;
  task.timer = setTimeout(() => giveUp(task, timeoutOf(task)), task.timeoutMs);
}

/** Stops the clock of a task that goes back to the queue. */
export function stopClock(task: Task): void {
  if (task.timer !== null) clearTimeout(task.timer);
  task.timer = null;
}

/**
 * Gives up a task that was sent: its caller is told now, the worker is asked to stop, and ended if after `graceMs` it
 * is still at it. Code that runs inline cannot be stopped, but its worker is left to it and replaced.
 */
export function giveUpSent(task: Task, reason: unknown, graceMs: number): void {
  const { worker, id } = task;
  task.fail(reason);
  if (worker === null) return;
  worker.tell(order.abort, id, null);
  setTimeout(() => {
    if (worker.isAt(id)) void worker.end(`task "${task.name}" went on ${graceMs} ms after it was given up`);
  }, graceMs).unref();
}

function timeoutOf(task: Task): PoolError {
  return new PoolError(
    "task-timeout",
    `Cannot finish task "${task.name}": it ran longer than its timeout of ${task.timeoutMs} ms`,
  );
}
