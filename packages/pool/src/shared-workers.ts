import { PoolError } from "./failure.ts";
import type { Fleet } from "./fleet.ts";
import { giveUpSent, heed, startClock, stopClock } from "./giving-up.ts";
import { openBehindGate } from "./opening.ts";
import { isBefore } from "./queue/rank-heap.ts";
import { rankOf, TaskQueue } from "./queue/task-queue.ts";
import type { RunOptions } from "./run-options.ts";
import type { Seat } from "./supervision.ts";
import { Task, type Estimate } from "./task.ts";
import { order } from "./wire/protocol.ts";
import type { WorkerExit } from "./worker/link.ts";
import type { Pending, PoolWorker, WorkerOwner } from "./worker/pool-worker.ts";

/** Quick tasks that are sent to a worker beyond those it runs. */
const sentAhead = 16;
/** Names whose durations are remembered. */
const mostEstimates = 10_000;

/** The workers that share the tasks of `run`, and the queue in front of them. */
export class SharedWorkers implements WorkerOwner {
  readonly #fleet: Fleet;
  readonly #queue = new TaskQueue<Task>();
  readonly #slots: (PoolWorker | null)[] = [];
  /** Tasks with a sticky key wait for the worker in their slot, whoever that will be. */
  readonly #keyed: TaskQueue<Task>[] = [];
  readonly #slotOf = new Map<PoolWorker, number>();
  readonly #enders = new Map<PoolWorker, (exit: WorkerExit, replace: boolean) => void>();
  readonly #estimates = new Map<string, Estimate>();
  readonly #roomWaiters: (() => void)[] = [];
  #keyedSize = 0;
  #sequence = 0;
  readonly #giveUp = (task: Task, reason: unknown): void => this.#abandon(task, reason);

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  get queued(): number {
    return this.#queue.size + this.#keyedSize;
  }

  /** Every worker that is there now. */
  get workers(): PoolWorker[] {
    return [...this.#slotOf.keys()];
  }

  get warmCount(): number {
    return this.#slots.filter((worker) => worker?.state.kind === "warm").length;
  }

  /** Starts a worker in the next free slot. */
  addSlot(): Promise<void> {
    const index = this.#slots.push(null) - 1;
    this.#keyed.push(new TaskQueue());
    return this.#fleet.supervision.add(this.#seat(index));
  }

  run(name: string, data: unknown, options: RunOptions | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal(options?.signal);
      if (refusal !== null) {
        reject(refusal);
        return;
      }
      const nowMs = performance.now();
      const priority = options?.priority ?? 0;
      const task = new Task(
        {
          name,
          data,
          priority,
          rank: rankOf(priority, nowMs, this.#fleet.plan.ageingMs),
          sequence: (this.#sequence += 1),
          queuedMs: nowMs,
          estimate: this.#estimateOf(name),
          transfer: options?.transfer ?? null,
          timeoutMs: options?.timeoutMs ?? Infinity,
          seat: options?.key === undefined ? -1 : hashOf(options.key) % Math.max(1, this.#slots.length),
        },
        resolve,
        reject,
      );
      if (options?.signal !== undefined) heed(task, options.signal, this.#giveUp);
      const worker = this.queued === 0 ? this.#workerFor(task) : null;
      if (worker !== null) this.#send(worker, task);
      else this.#enqueue(task);
    });
  }

  /** Resolves when the queue is at most half full. */
  whenRoom(): Promise<void> {
    if (this.#hasRoom) return Promise.resolve();
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  warm(worker: PoolWorker): void {
    this.#fleet.noteWarm(worker);
    this.#pump();
  }

  warmupFailed(_worker: PoolWorker, what: string, error: Error): void {
    const failure = this.#fleet.noteWarmupFailure(what, error);
    if (this.warmCount === 0) this.rejectAll(failure);
  }

  ran(us: number): void {
    this.#fleet.metrics.counts.tasksDone += 1;
    this.#fleet.metrics.run.recordUs(us);
  }

  freed(worker: PoolWorker): void {
    const why = this.#fleet.whyRecycle(worker);
    if (why !== null) this.#replace(worker, why);
    if (this.queued > 0) this.#pump();
  }

  gone(worker: PoolWorker, exit: WorkerExit, unstarted: Pending[]): void {
    const index = this.#slotOf.get(worker) as number;
    this.#slotOf.delete(worker);
    const replaced = this.#slots[index] !== worker;
    if (!replaced) this.#slots[index] = null;
    for (const pending of unstarted.toReversed()) if (pending instanceof Task) this.#putBack(pending);
    this.#fleet.noteGone(worker, exit);
    this.#enders.get(worker)?.(exit, !replaced && !this.#fleet.isClosing);
    this.#enders.delete(worker);
    this.#pump();
  }

  /** Ends all that waits. */
  rejectAll(reason: unknown): void {
    for (const queue of [this.#queue, ...this.#keyed]) for (const task of queue.drain()) task.fail(reason);
    this.#keyedSize = 0;
    this.#wakeRoomWaiters();
  }

  get inFlight(): number {
    let sum = 0;
    for (const worker of this.#slotOf.keys()) sum += worker.inFlight;
    return sum;
  }

  #seat(index: number): Seat {
    return {
      open: (ended) =>
        openBehindGate(
          this.#fleet.gate,
          () => {
            const worker = this.#fleet.start(this, false);
            this.#slots[index] = worker;
            this.#slotOf.set(worker, index);
            this.#enders.set(worker, ended);
            return worker;
          },
          (exit) => ended(exit, true),
        ),
    };
  }

  #refusal(signal: AbortSignal | undefined): unknown {
    if (signal?.aborted === true) return signal.reason;
    const fleet = this.#fleet;
    if (fleet.isClosing) return poolClosed();
    if (fleet.plan.workers === 0)
      return new PoolError(
        "options-invalid",
        "Cannot run a task: this pool has no shared workers; lease a spare, or create it with `workers` above 0",
      );
    const failure = fleet.warmupFailure;
    return failure !== null && this.warmCount === 0 ? failure : null;
  }

  #estimateOf(name: string): Estimate {
    let estimate = this.#estimates.get(name);
    if (estimate === undefined) {
      if (this.#estimates.size >= mostEstimates) this.#estimates.clear();
      estimate = { us: -1 };
      this.#estimates.set(name, estimate);
    }
    return estimate;
  }

  #enqueue(task: Task): void {
    const { maxTasks } = this.#fleet.plan;
    if (this.queued >= maxTasks) {
      this.#fleet.metrics.counts.queueFull += 1;
      task.fail(
        new PoolError(
          "queue-full",
          `Cannot queue task "${task.name}": ${maxTasks} tasks wait already; wait for whenRoom() or raise queue.maxTasks`,
        ),
      );
    } else if (task.seat < 0) this.#queue.push(task);
    else {
      this.#keyedSize += 1;
      (this.#keyed[task.seat] ?? this.#queue).push(task);
    }
  }

  #putBack(task: Task): void {
    task.worker = null;
    stopClock(task);
    if (!task.isWanted) return;
    // Nobody will take it up any more: what had waited was refused when the closing began.
    if (this.#fleet.isClosing) {
      task.fail(poolClosed());
      return;
    }
    this.#fleet.metrics.counts.tasksRequeued += 1;
    if (task.seat < 0) this.#queue.putBack(task);
    else {
      this.#keyedSize += 1;
      (this.#keyed[task.seat] as TaskQueue<Task>).putBack(task);
    }
  }

  #workerFor(task: Task): PoolWorker | null {
    if (task.seat >= 0) {
      const worker = this.#slots[task.seat] ?? null;
      return worker !== null && this.#hasRoomFor(worker, task) ? worker : null;
    }
    let best: PoolWorker | null = null;
    for (const worker of this.#slots) {
      if (worker === null || !this.#hasRoomFor(worker, task)) continue;
      if (worker.inFlight === 0) return worker;
      if (best === null || worker.inFlight < best.inFlight) best = worker;
    }
    return best;
  }

  #hasRoomFor(worker: PoolWorker, task: Task): boolean {
    if (worker.state.kind !== "warm") return false;
    const { concurrency } = this.#fleet.plan;
    const room = task.isSlow || worker.slow > 0 ? concurrency : concurrency + sentAhead;
    return worker.inFlight < room;
  }

  #send(worker: PoolWorker, task: Task): void {
    task.worker = worker;
    this.#fleet.metrics.wait.recordMs(performance.now() - task.queuedMs);
    startClock(task, this.#giveUp);
    task.id = worker.call(order.run, task.name, task.data, task, task.transfer);
  }

  #pump(): void {
    for (let progress = true; progress;) {
      progress = this.#keyedSize > 0 && this.#pumpKeyed();
      const next = this.#queue.peek();
      const worker = next === undefined ? null : this.#workerFor(next);
      if (worker === null) continue;
      this.#send(worker, this.#queue.pop() as Task);
      progress = true;
    }
    if (this.#roomWaiters.length > 0 && this.#hasRoom) this.#wakeRoomWaiters();
  }

  /** Sends those that wait for a certain worker, unless somebody who may go anywhere came before them. */
  #pumpKeyed(): boolean {
    let progress = false;
    for (const queue of this.#keyed) {
      const task = queue.peek();
      if (task === undefined) continue;
      const other = this.#queue.peek();
      const worker = this.#workerFor(task);
      if (worker === null || (other !== undefined && isBefore(other, task) && this.#workerFor(other) === worker))
        continue;
      queue.pop();
      this.#keyedSize -= 1;
      this.#send(worker, task);
      progress = true;
    }
    return progress;
  }

  #abandon(task: Task, reason: unknown): void {
    this.#fleet.metrics.counts.tasksGivenUp += 1;
    if (task.worker !== null) {
      giveUpSent(task, reason, this.#fleet.plan.abortGraceMs);
      return;
    }
    task.fail(reason);
    if (task.seat >= 0) this.#keyedSize -= 1;
    (task.seat < 0 ? this.#queue : (this.#keyed[task.seat] as TaskQueue<Task>)).noteUnwanted();
  }

  /** Retires a worker while its replacement already starts. */
  #replace(worker: PoolWorker, why: string): void {
    if (worker.state.kind !== "warm") return;
    const index = this.#slotOf.get(worker) as number;
    this.#fleet.metrics.counts.recycles += 1;
    this.#slots[index] = null;
    worker.retire(why);
    this.#fleet.add(this.#seat(index));
  }

  get #hasRoom(): boolean {
    return this.queued * 2 <= this.#fleet.plan.maxTasks;
  }

  #wakeRoomWaiters(): void {
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
  }
}

function poolClosed(): PoolError {
  return new PoolError("pool-closed", "Cannot run a task: the pool is closed");
}

/** FNV-1a, 32 bits. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
