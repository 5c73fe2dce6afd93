import { PoolError } from "./failure.ts";
import { onAbort } from "./on-abort.ts";
import type { Task } from "./task.ts";
import { order } from "./wire/protocol.ts";
import type { Progress } from "./worker/pending.ts";
import type { PoolWorker } from "./worker/pool-worker.ts";

/** A worker that is looked at again has so long at least. On a busy machine it may not have had its turn; thousands may wait. */
const againMs = { waits: 1000, begun: 100, stuck: 100 };

/** What is kept of a task that was given up: not its data. */
interface GivenUp {
  readonly id: number;
  readonly name: string;
  readonly graceMs: number;
}

/** Lets `signal` end a task; `giveUp` is called at most once, and not after the task is settled. */
export function heed(task: Task, signal: AbortSignal, giveUp: (task: Task, reason: unknown) => void): void {
  task.onSettled(onAbort(signal, () => giveUp(task, signal.reason)));
}

/** Starts the clock of a task that has been sent. */
export function startClock(task: Task, giveUp: (task: Task, reason: unknown) => void): void {
  if (task.timeoutMs === Infinity) return;
  const timer = afterReading(task.timeoutMs, () => {
    if (task.isWanted && task.timer === timer) giveUp(task, timeoutOf(task));
  });
  task.timer = timer;
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
  const { worker, id, name } = task;
  task.fail(reason);
  if (worker === null) return;
  worker.tell(order.abort, id, null);
  // Its time begins when that is sent: at the end of this turn, which may be long.
  process.nextTick(() => seeItEnd(worker, { id, name, graceMs }, "begun", graceMs));
}

/**
 * Ends a worker that is at it when `afterMs` have passed. What waits there behind something else may begin before the worker
 * hears that nobody wants it, and get stuck then; and a worker may be stuck in what is no task, and begin nothing any
 * more: both are looked at again, and must have been found so twice.
 */
function seeItEnd(worker: PoolWorker, given: GivenUp, before: Progress, afterMs: number): void {
  afterReading(afterMs, () => {
    const { id, name, graceMs } = given;
    const now = worker.progressOf(id);
    if (now === "over") return;
    if (now === "waits" || now !== before) seeItEnd(worker, given, now, Math.max(graceMs, againMs[now]));
    else if (now === "begun") void worker.end(`task "${name}" went on ${graceMs} ms after it was given up`);
    else void worker.end(`it was at no task, and did not get to task "${name}" either`);
  }).unref();
}

/** A timer that lets what has come be read first: this thread may have been busy for longer than the timer was to take. */
function afterReading(delayMs: number, then: () => void): NodeJS.Timeout {
  return setTimeout(() => setImmediate(then), delayMs);
}

function timeoutOf(task: Task): PoolError {
  return new PoolError(
    "task-timeout",
    `Cannot finish task "${task.name}": it ran longer than its timeout of ${task.timeoutMs} ms`,
  );
}
