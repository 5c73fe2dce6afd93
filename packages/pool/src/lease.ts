import type { Transferable } from "node:worker_threads";
import type { Channel, Inlets } from "./channel.ts";
import type { LeasePath } from "./events.ts";
import { PoolError } from "./failure.ts";
import { giveUpSent, heed, startClock } from "./giving-up.ts";
import { moduleUrl } from "./module-url.ts";
import { checkTimeout } from "./options.ts";
import type { Placement } from "./placement.ts";
import type { RunOptions } from "./run-options.ts";
import { Task } from "./task.ts";
import { order } from "./wire/protocol.ts";
import type { WorkerExit } from "./worker/link.ts";
import type { PoolWorker } from "./worker/pool-worker.ts";

/** Settings of one call in a leased worker. */
export type CallOptions = Pick<RunOptions, "signal" | "timeoutMs" | "transfer">;

/** What became of a worker whose lease was released. */
export type Release = "returned" | "recycled";

/** What a lease needs from whoever gave it. */
export interface Lessor {
  readonly abortGraceMs: number;
  /** The leased module has answered for the first time. */
  answered(lease: Lease): void;
  /** Resolves with what became of it: there may be enough of them, or it may be too old. */
  giveBack(worker: PoolWorker, how: Release): Promise<Release>;
}

const longestResetMs = 5000;
/** Calls of one lease that may wait for their answer. */
const mostCalls = 65_536;

/**
 * A worker that is yours until you give it back: by `release`, `reset` or `recycle`, or by `await using`.
 * `In` is what its module sends, `Out` what it takes.
 */
export class Lease<In = unknown, Out = unknown> implements Channel<In, Out> {
  /** How it was got. */
  readonly path: LeasePath;
  /** When it was asked for, on the clock of `performance.now()`. */
  readonly askedMs: number;
  /** Resolves when the worker is gone, or was given back. */
  readonly ended: Promise<WorkerExit | Release>;
  readonly #worker: PoolWorker;
  readonly #inlets: Inlets;
  readonly #lessor: Lessor;
  /** How it was given back, once that is done; null while it is held. */
  #over: Promise<Release> | null = null;
  #hasLoaded = false;
  #hasAnswered = false;
  #resetting: Promise<void> | null = null;
  #end!: (how: WorkerExit | Release) => void;

  /** @internal */
  constructor(worker: PoolWorker, inlets: Inlets, path: LeasePath, askedMs: number, lessor: Lessor) {
    this.#worker = worker;
    this.#inlets = inlets;
    this.path = path;
    this.askedMs = askedMs;
    this.#lessor = lessor;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  /** Number of the worker, as in events and snapshots. */
  get worker(): number {
    return this.#worker.number;
  }

  get placement(): Placement {
    return this.#worker.link.placement;
  }

  /** Process id of a process, thread id of a thread, 0 inline. */
  get id(): number {
    return this.#worker.link.id;
  }

  /** Runs a task of the pool's modules in this worker. @throws PoolError task-timeout, worker-crashed, queue-full, lease-over */
  call(task: string, data?: unknown, options: CallOptions = {}): Promise<unknown> {
    return this.#order(order.run, task, data, options);
  }

  /**
   * Imports a module that the worker does not know yet and calls its default export with the module's end of the
   * channel and `data`; resolves with what that returns. A worker that has loaded something cannot forget it.
   * @throws PoolError options-invalid, task-timeout, worker-crashed, queue-full, lease-over; what the module throws
   */
  load(url: URL | string, data?: unknown, options: CallOptions = {}): Promise<unknown> {
    const found = moduleUrl(url, "load a module");
    if (found instanceof PoolError) return Promise.reject(found);
    this.#hasLoaded = true;
    return this.#order(order.load, found, data, options);
  }

  /** @throws PoolError channel-full when the worker does not read what it is sent; lease-over. */
  send(message: Out, transfer?: readonly Transferable[]): void {
    this.#check();
    this.#refuseWhenCongested();
    this.#worker.tell(order.message, 0, message, transfer ?? null);
  }

  sendBytes(bytes: Uint8Array): void {
    this.#check();
    this.#refuseWhenCongested();
    this.#worker.flush();
    this.#worker.link.postBytes(bytes);
  }

  onMessage(listener: (message: In) => void): void {
    this.#inlets.messages.listen(listener as (message: unknown) => void);
  }

  onBytes(listener: (bytes: Uint8Array) => void): void {
    this.#inlets.bytes.listen(listener);
  }

  /** Messages and byte blocks that were dropped, as they came while 1024 waited for a listener already. */
  get dropped(): number {
    return this.#inlets.messages.dropped + this.#inlets.bytes.dropped;
  }

  /**
   * Gives the worker back as it is; one that has loaded a module, or is at something, is ended and replaced. Resolves with
   * what became of it, also when it was given back, or has ended, before.
   */
  release(): Promise<Release> {
    return this.#giveBack(this.#howBack);
  }

  /**
   * Calls the `reset` functions that the pool's modules export, then gives the worker back as `release` does.
   * @throws what they throw; the worker is recycled then.
   */
  reset(): Promise<void> {
    return (this.#resetting ??= this.#reset());
  }

  /** Ends the worker, with all it has started; the pool makes a new one. */
  async recycle(): Promise<void> {
    await this.#giveBack("recycled");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release().then(() => undefined);
  }

  /** @internal The worker ended by itself. */
  lost(exit: WorkerExit): void {
    if (this.#over !== null) return;
    this.#over = Promise.resolve("recycled");
    this.#end(exit);
  }

  async #reset(): Promise<void> {
    this.#check();
    try {
      const count = await this.#order(order.reset, "reset", null, { timeoutMs: longestResetMs });
      if (count === 0) throw new PoolError("options-invalid", "Cannot reset: no module of this pool exports `reset`");
      await this.#giveBack(this.#howBack);
    } catch (error) {
      await this.recycle();
      throw error;
    }
  }

  #order(op: number, name: string, data: unknown, options: CallOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#check();
      options.signal?.throwIfAborted();
      if (this.#worker.inFlight >= mostCalls)
        throw new PoolError(
          "queue-full",
          `Cannot call "${name}": ${mostCalls} calls of this lease wait for their answer; await some of them`,
        );
      const nowMs = performance.now();
      const task = new Task(
        {
          name,
          data,
          priority: 0,
          rank: 0,
          sequence: 0,
          queuedMs: nowMs,
          estimate: { us: -1 },
          transfer: options.transfer ?? null,
          timeoutMs: checkTimeout(options.timeoutMs),
          seat: -1,
          beginsAtOnce: op !== order.run,
        },
        resolve,
        reject,
      );
      task.worker = this.#worker;
      const giveUp = (given: Task, reason: unknown): void => giveUpSent(given, reason, this.#lessor.abortGraceMs);
      if (options.signal !== undefined) heed(task, options.signal, giveUp);
      if (!this.#hasAnswered) task.onSettled(() => this.#answered());
      startClock(task, giveUp);
      task.id = this.#worker.call(op, name, data, task, task.transfer);
      // A hand-over is what the caller waits for: it does not wait for the end of the turn.
      if (!this.#hasAnswered) this.#worker.flush();
    });
  }

  #answered(): void {
    if (this.#hasAnswered) return;
    this.#hasAnswered = true;
    this.#lessor.answered(this);
  }

  get #howBack(): Release {
    return this.#hasLoaded || this.#worker.inFlight > 0 ? "recycled" : "returned";
  }

  /** Once: somebody else may have the worker then. */
  #giveBack(how: Release): Promise<Release> {
    return (this.#over ??= this.#lessor.giveBack(this.#worker, how).then((release) => {
      this.#end(release);
      return release;
    }));
  }

  #refuseWhenCongested(): void {
    if (!this.#worker.link.isCongested) return;
    throw new PoolError("channel-full", `Cannot send: too much waits unread at worker ${this.worker}; send less`);
  }

  #check(): void {
    if (this.#over === null && this.#worker.state.kind === "leased") return;
    throw new PoolError(
      "lease-over",
      `Cannot use the lease of worker ${this.worker}: it was given back, or its worker ended`,
    );
  }
}
