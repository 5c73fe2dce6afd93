import { PoolError } from "./failure.ts";
import type { Home } from "./home.ts";
import { giveUpSent, heed, startClock, stopClock } from "./giving-up.ts";
import { Lingering } from "./lingering.ts";
import { openBehindGate } from "./opening.ts";
import { checkTimeout } from "./options.ts";
import { Backlog } from "./queue/backlog.ts";
import { rankOf } from "./queue/task-queue.ts";
import { Recalling } from "./recalling.ts";
import type { RunOptions } from "./run-options.ts";
import type { Seat } from "./supervision.ts";
import { Estimates } from "./estimates.ts";
import { Task } from "./task.ts";
import { order } from "./wire/protocol.ts";
import type { WorkerExit } from "./worker/link.ts";
import type { Pending } from "./worker/pending.ts";
import type { PoolWorker, WorkerOwner } from "./worker/pool-worker.ts";

/** Quick tasks that are sent to a worker beyond those it runs. */
const sentAhead = 16;
/** So soon after its answer a worker is still awake, if waiting awake has paid for it. */
const lingersMs = 0.1;

/** The workers that share the tasks of `run`, and the queue in front of them. */
export class SharedWorkers implements WorkerOwner {
  readonly #home: Home;
  readonly #backlog: Backlog;
  /** Keys are spread over so many seats; when there are fewer workers, some sit on several. */
  readonly #seats: number;
  readonly #recalling: Recalling;
  readonly #slots: (PoolWorker | null)[] = [];
  /** Who sat there before and may still be at something: of their keys nobody else may begin a task meanwhile. */
  readonly #leaving: Set<PoolWorker>[] = [];
  readonly #slotOf = new Map<PoolWorker, number>();
  readonly #enders = new Map<PoolWorker, (exit: WorkerExit, replace: boolean) => void>();
  readonly #warmOnce = new Set<number>();
  readonly #estimates = new Estimates();
  readonly #lingering = new Lingering();
  #sequence = 0;
  readonly #giveUp = (task: Task, reason: unknown): void => this.#abandon(task, reason);
  /** One is renewed at a time: they are of one age, and all of them must not be gone at once. */
  readonly #isShort = (): boolean => this.warmCount < this.#slots.length;
  readonly #findWorker = (task: Task): PoolWorker | null => this.#workerFor(task);
  readonly #sendTo = (worker: PoolWorker, task: Task): void => this.#send(worker, task);

  constructor(home: Home) {
    this.#home = home;
    const { workers } = home.plan;
    this.#seats = Math.max(1, workers === "auto" ? Math.floor(home.cores) : workers);
    this.#backlog = new Backlog(this.#seats, home.plan.maxTasks);
    this.#recalling = new Recalling(
      () => this.workers,
      home.plan.concurrency,
      (tasks) => this.#takeBack(tasks),
    );
  }

  get queued(): number {
    return this.#backlog.size;
  }

  /** Every worker that is there now. */
  get workers(): PoolWorker[] {
    return [...this.#slotOf.keys()];
  }

  /** Workers that there are when all are there. */
  get slots(): number {
    return this.#slots.length;
  }

  /** Slots of which a worker has been warm. */
  get everWarm(): number {
    return this.#warmOnce.size;
  }

  get warmCount(): number {
    return this.#slots.filter((worker) => worker?.state.kind === "warm").length;
  }

  /** Starts a worker in the next free slot. */
  addSlot(): Promise<void> {
    const index = this.#slots.push(null) - 1;
    return this.#home.supervision.add(this.#seat(index));
  }

  run(name: string, data: unknown, options: RunOptions | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const signal = options?.signal;
      // Its reason may be anything, null too.
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const refusal = this.#refusal();
      if (refusal !== null) {
        reject(refusal);
        return;
      }
      const nowMs = performance.now();
      const priority = options?.priority ?? 0;
      if (!Number.isFinite(priority))
        throw new PoolError("options-invalid", `Cannot run a task: priority is ${priority}, wanted a finite number`);
      const task = new Task(
        {
          name,
          data,
          priority,
          rank: rankOf(priority, nowMs, this.#home.plan.ageingMs),
          sequence: (this.#sequence += 1),
          queuedMs: nowMs,
          estimate: this.#estimates.of(name),
          transfer: options?.transfer ?? null,
          timeoutMs: checkTimeout(options?.timeoutMs),
          seat: options?.key === undefined ? -1 : hashOf(options.key) % this.#seats,
          beginsAtOnce: false,
        },
        resolve,
        reject,
      );
      if (signal !== undefined) heed(task, signal, this.#giveUp);
      const worker = this.queued === 0 ? this.#workerFor(task) : null;
      if (worker !== null) this.#send(worker, task);
      else this.#enqueue(task);
    });
  }

  /** Now it is known which seat is whose: tasks with a key have waited for that. */
  sized(): void {
    this.#pump();
  }

  /** Resolves when the queue is at most half full. */
  whenRoom(signal: AbortSignal | undefined): Promise<void> {
    return this.#backlog.room.when(signal);
  }

  warm(worker: PoolWorker): void {
    this.#warmOnce.add(this.#slotOf.get(worker) as number);
    this.#home.noteWarm(worker);
    this.#pump();
  }

  warmupFailed(what: string, error: Error, worker: PoolWorker): void {
    this.#noteWarmupFailure(what, error, this.#slotOf.get(worker) as number);
  }

  ran(us: number, failed: boolean): void {
    const { counts, run } = this.#home.metrics;
    counts.tasksDone += 1;
    if (failed) counts.tasksFailed += 1;
    run.recordUs(us);
  }

  lost(pending: Pending, exit: WorkerExit, why: string): void {
    if (pending instanceof Task && pending.isWanted) this.#home.metrics.counts.tasksLost += 1;
    pending.lost(exit, why);
  }

  skipped(pending: Pending): void {
    if (pending instanceof Task) this.#putBack(pending);
  }

  freed(worker: PoolWorker): void {
    this.#lingering.end();
    const why = this.#home.whyRecycle(worker, this.#isShort);
    if (why !== null) this.#replace(worker, why);
    if (this.queued > 0) this.#pump();
  }

  gone(worker: PoolWorker, exit: WorkerExit, unstarted: Pending[]): void {
    const index = this.#slotOf.get(worker) as number;
    this.#slotOf.delete(worker);
    const replaced = this.#slots[index] !== worker;
    if (replaced) this.#leaving[index]?.delete(worker);
    else this.#slots[index] = null;
    this.#putBackAll(unstarted);
    this.#home.noteGone(worker, exit);
    this.#enders.get(worker)?.(exit, !replaced && !this.#home.isClosing);
    this.#enders.delete(worker);
    this.#pump();
  }

  /** Looks after nobody any more. */
  close(): void {
    this.#recalling.close();
  }

  /** Ends all that waits. */
  rejectAll(reason: unknown): void {
    for (const task of this.#backlog.drain()) task.fail(reason);
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
          this.#home.gate,
          () => {
            const worker = this.#home.start(this, false);
            this.#slots[index] = worker;
            this.#slotOf.set(worker, index);
            this.#enders.set(worker, ended);
            return worker;
          },
          (error) => {
            this.#noteWarmupFailure("", error, index);
            ended({ kind: "crashed", detail: `could not be started: ${error.message}` }, true);
          },
        ),
    };
  }

  /** Calls do not wait for attempt after attempt: all of them when nobody is warm, else those of whoever sits at this slot. */
  #noteWarmupFailure(what: string, error: Error, slot: number): void {
    const failure = this.#home.noteWarmupFailure(what, error);
    if (this.warmCount === 0) this.rejectAll(failure);
    else for (const task of this.#backlog.drainTied((seat) => this.#slotOfSeat(seat) === slot)) task.fail(failure);
  }

  #slotOfSeat(seat: number): number {
    return seat % (this.#home.size?.workers ?? this.#seats);
  }

  #refusal(): PoolError | null {
    const home = this.#home;
    if (home.isClosing) return poolClosed();
    if (home.plan.workers === 0)
      return new PoolError(
        "options-invalid",
        "Cannot run a task: this pool has no shared workers; lease a spare, or create it with `workers` above 0",
      );
    const failure = home.warmupFailure;
    return failure !== null && this.warmCount === 0 ? failure : null;
  }

  #enqueue(task: Task): void {
    if (this.#backlog.isFull) {
      this.#home.metrics.counts.queueFull += 1;
      task.fail(
        new PoolError(
          "queue-full",
          `Cannot queue task "${task.name}": ${this.queued} tasks wait already; wait for whenRoom() or raise queue.maxTasks`,
        ),
      );
    } else this.#backlog.push(task);
  }

  #putBackAll(tasks: readonly Pending[]): void {
    for (const pending of tasks.toReversed()) if (pending instanceof Task) this.#putBack(pending);
  }

  /** What was sent ahead to a worker that got stuck goes to others. */
  #takeBack(tasks: readonly Pending[]): void {
    this.#home.metrics.counts.tasksStolen += tasks.length;
    this.#putBackAll(tasks);
    this.#pump();
  }

  #putBack(task: Task): void {
    task.worker = null;
    stopClock(task);
    if (!task.isWanted) return;
    // Nobody will take it up any more: what had waited was refused when the closing began.
    if (this.#home.isClosing) {
      task.fail(poolClosed());
      return;
    }
    // What was transferred went with the worker.
    if (!task.canMove) {
      this.lost(task, { kind: "ended" }, "what was transferred is gone with it");
      return;
    }
    this.#home.metrics.counts.tasksRequeued += 1;
    this.#backlog.putBack(task);
  }

  #workerFor(task: Task): PoolWorker | null {
    if (task.seat >= 0) {
      const { size } = this.#home;
      if (size === null) return null;
      const slot = task.seat % size.workers;
      for (const before of this.#leaving[slot] ?? []) if (before.inFlight > 0) return null;
      const worker = this.#slots[slot] ?? null;
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
    const { concurrency, recycle } = this.#home.plan;
    if (!worker.isOpen || worker.tasksDone + worker.inFlight >= recycle.tasks) return false;
    const room = task.isSlow || worker.slow > 0 ? concurrency : concurrency + sentAhead;
    return worker.inFlight < room;
  }

  #send(worker: PoolWorker, task: Task): void {
    task.worker = worker;
    const nowMs = performance.now();
    this.#home.metrics.wait.recordMs(nowMs - task.queuedMs);
    startClock(task, this.#giveUp);
    const isAlone = !task.isSlow && worker.inFlight === 0 && this.#isAlone(worker);
    // One that sleeps may be woken on our core: then it is us who have to sleep.
    const isAwake = isAlone && nowMs - worker.lastAnswerMs < lingersMs;
    task.id = worker.call(isAlone ? order.runAlone : order.run, task.name, task.data, task, task.transfer);
    if (isAwake) this.#lingering.begin();
    if (worker.inFlight > this.#home.plan.concurrency) this.#recalling.watch();
  }

  /** Whether nobody but this worker has anything to do: then there is a core for whoever waits awake. */
  #isAlone(worker: PoolWorker): boolean {
    if (!this.#home.plan.staysAwake || worker.link.placement === "inline") return false;
    for (const other of this.#slots) if (other !== null && other !== worker && other.inFlight > 0) return false;
    return true;
  }

  #pump(): void {
    this.#backlog.pump(this.#findWorker, this.#sendTo);
  }

  #abandon(task: Task, reason: unknown): void {
    this.#home.metrics.counts.tasksGivenUp += 1;
    if (task.worker !== null) {
      giveUpSent(task, reason, this.#home.plan.abortGraceMs);
      return;
    }
    task.fail(reason);
    this.#backlog.noteUnwanted(task);
  }

  /** Retires a worker while its replacement already starts. */
  #replace(worker: PoolWorker, why: string): void {
    if (worker.state.kind !== "warm") return;
    const index = this.#slotOf.get(worker) as number;
    this.#home.metrics.counts.recycles += 1;
    this.#slots[index] = null;
    (this.#leaving[index] ??= new Set()).add(worker);
    worker.retire(why);
    this.#home.add(this.#seat(index));
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
