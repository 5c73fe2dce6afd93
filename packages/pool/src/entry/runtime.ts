import { setPriority } from "node:os";
import { throwLater } from "../bystander.ts";
import { Inlets, type Channel } from "../channel.ts";
import { PoolError } from "../failure.ts";
import { Lingering } from "../lingering.ts";
import { recordError } from "../wire/error-record.ts";
import { Outbox } from "../wire/outbox.ts";
import { answer, order, stride, type Batch, type Boot } from "../wire/protocol.ts";
import { importModule } from "./bundled-modules.ts";
import { RunningTask, type TaskFunction } from "./task-context.ts";
import { warmUp } from "./warm-up.ts";
import type { WorkerPort } from "./worker-port.ts";

/** Replies wait this long at most for others that could travel with them. */
const longestReplyWaitMs = 0.2;
/** Values per order that waits: id, name, data. */
const waitingStride = 3;
/** So many places of orders that have begun are kept before the others move up. */
const mostPassed = 1024 * waitingStride;

/** Runs what the pool orders, in the order in which it came, at most `concurrency` at a time. */
export class Runtime {
  readonly #port: WorkerPort;
  readonly #outbox: Outbox;
  readonly #tasks = new Map<string, TaskFunction>();
  readonly #running = new Map<number, RunningTask>();
  /** Of the present lease, or of the next one while there is none. */
  #inlets = new Inlets();
  #channel: Channel;
  readonly #lingering = new Lingering();
  #waiting: unknown[] = [];
  #waitingFrom = 0;
  #concurrency = 1;
  #leased = false;
  /** The present lease, as long as the pool does not know that what comes is of this one. */
  #unconfirmed = 0;
  #stopping = false;
  #oldestReplyMs = 0;
  /** The last task that was alone in its pool. */
  #aloneId = 0;
  #lastBegun = 0;

  constructor(port: WorkerPort) {
    this.#port = port;
    this.#outbox = new Outbox(
      (batch, transfer) => port.post(batch, transfer),
      (id, op, error) => this.#couldNotPost(id, op, error),
    );
    this.#channel = this.#newChannel();
  }

  readonly receive = (batch: Batch): void => {
    this.#lingering.end();
    for (let at = 0; at < batch.length; at += stride) {
      const op = batch[at] as number;
      if (op <= order.runAlone) {
        if (op === order.runAlone) this.#aloneId = batch[at + 1] as number;
        if (this.#isFull || this.#waiting.length > this.#waitingFrom)
          this.#waiting.push(batch[at + 1], batch[at + 2], batch[at + 3]);
        else this.#run(batch[at + 1] as number, batch[at + 2] as string, batch[at + 3], op !== order.run);
      } else this.#obey(op, batch[at + 1] as number, batch[at + 2], batch[at + 3]);
    }
    // All that could be done at once is done: its answers need not wait for the end of the turn.
    this.#outbox.flush();
  };

  readonly receiveBytes = (bytes: Uint8Array): void => this.#inlets.bytes.deliver(bytes);

  /** Sends what is done; the last thing before an exit. */
  readonly flush = (): void => this.#outbox.flush();

  get #isFull(): boolean {
    return this.#running.size >= this.#concurrency;
  }

  #obey(op: number, id: number, text: unknown, data: unknown): void {
    switch (op) {
      case order.boot:
        void this.#boot(data as Boot);
        break;
      case order.abort:
        this.#abort(id);
        break;
      case order.message:
        this.#inlets.messages.deliver(data);
        break;
      case order.load:
        void this.#load(id, text as string, data);
        break;
      case order.reset:
        void this.#reset(id);
        break;
      case order.measure:
        this.#outbox.add(answer.memory, 0, this.#port.memoryBytes(), 0);
        break;
      case order.nice:
        renice(id);
        break;
      case order.lease:
        this.#leased = id > 0;
        this.#unconfirmed = id;
        // The next lease finds one that nobody has had.
        if (!this.#leased) this.#channel = this.#newChannel();
        break;
      case order.stop:
        this.#stopping = true;
        this.#endWhenIdle();
        break;
    }
  }

  async #boot(boot: Boot): Promise<void> {
    this.#concurrency = boot.concurrency;
    const outcome = await warmUp(boot, this.#tasks, (what) => {
      this.#outbox.add(answer.warming, 0, what, 0);
      // It may be the last thing that this worker says.
      this.#outbox.flush();
    });
    if (outcome.kind === "failed") this.#outbox.add(answer.warmupFailed, 0, outcome.failure, 0);
    else {
      const tasks = [...this.#tasks.keys()];
      const report = { memoryBytes: this.#port.memoryBytes(), tasks, compileCache: outcome.compileCache };
      this.#outbox.add(answer.warm, 0, report, 0);
    }
    this.#outbox.flush();
  }

  /** `isFirst`: it is not behind anything, so the pool does not take it back. */
  #run(id: number, name: string, data: unknown, isFirst: boolean): void {
    this.#begin(id);
    if (!isFirst && !this.#port.mayGoOn(id)) {
      this.#outbox.add(answer.skipped, id, null, 0);
      return;
    }
    const startedMs = performance.now();
    if (this.#outbox.isEmpty) this.#oldestReplyMs = startedMs;
    const task = this.#tasks.get(name);
    if (task === undefined) {
      this.#outbox.add(answer.failed, id, this.#unknown(name), 0);
      return;
    }
    const running = new RunningTask(id, this.#leased ? this.#channel : null);
    let result: unknown;
    try {
      result = task(data as never, running);
      // Whatever calls itself a promise may throw when it is asked; the real ones are taken as they are.
      if (isThenable(result)) result = Promise.resolve(result);
    } catch (error) {
      this.#finish(running, answer.failed, recordError(error), startedMs);
      return;
    }
    if (!(result instanceof Promise)) {
      this.#finish(running, answer.done, result, startedMs);
      return;
    }
    this.#running.set(id, running);
    result.then(
      (value) => this.#settled(running, answer.done, value, startedMs),
      (error: unknown) => this.#settled(running, answer.failed, recordError(error), startedMs),
    );
  }

  /** Loads begin at once, before what waits. */
  #begin(id: number): void {
    if (id > this.#lastBegun) this.#port.noteStarted((this.#lastBegun = id));
  }

  #settled(running: RunningTask, op: number, value: unknown, startedMs: number): void {
    this.#running.delete(running.id);
    this.#finish(running, op, value, startedMs);
    this.#runWaiting();
    if (this.#stopping) this.#endWhenIdle();
  }

  #finish(running: RunningTask, op: number, value: unknown, startedMs: number): void {
    const nowMs = performance.now();
    this.#outbox.add(op, running.id, value, (nowMs - startedMs) * 1000, op === answer.done ? running.transfers : null);
    if (nowMs - this.#oldestReplyMs > longestReplyWaitMs) this.#outbox.flush();
    if (running.id === this.#aloneId) this.#lingering.begin();
  }

  #runWaiting(): void {
    while (!this.#isFull && this.#waitingFrom < this.#waiting.length) {
      const at = this.#waitingFrom;
      this.#waitingFrom += waitingStride;
      const data = this.#waiting[at + 2];
      // Some others may always wait behind it: it must not live as long as they do.
      this.#waiting[at + 2] = undefined;
      this.#run(this.#waiting[at] as number, this.#waiting[at + 1] as string, data, false);
    }
    if (this.#waitingFrom >= this.#waiting.length) {
      this.#waiting = [];
      this.#waitingFrom = 0;
    } else if (this.#waitingFrom >= mostPassed && this.#waitingFrom * 2 >= this.#waiting.length) {
      this.#waiting.splice(0, this.#waitingFrom);
      this.#waitingFrom = 0;
    }
  }

  #abort(id: number): void {
    const running = this.#running.get(id);
    if (running !== undefined) running.abort();
    else {
      for (let at = this.#waitingFrom; at < this.#waiting.length; at += waitingStride)
        if (this.#waiting[at] === id) {
          this.#waiting.splice(at, waitingStride);
          this.#outbox.add(answer.aborted, id, null, 0);
          break;
        }
    }
  }

  async #load(id: number, url: string, data: unknown): Promise<void> {
    const startedMs = performance.now();
    const running = new RunningTask(id, this.#channel);
    this.#running.set(id, running);
    try {
      const loaded = await importModule(url);
      if (typeof loaded["default"] !== "function")
        throw new TypeError(`Cannot use ${url} in a leased worker: wanted a default export that is a function`);
      const start = loaded["default"] as (channel: Channel, data: unknown) => unknown;
      const value = await start(this.#channel, data);
      this.#running.delete(id);
      this.#outbox.add(answer.done, id, value, (performance.now() - startedMs) * 1000, running.transfers);
    } catch (error) {
      this.#running.delete(id);
      this.#outbox.add(answer.failed, id, recordError(error), 0);
    }
    this.#outbox.flush();
    // What was called meanwhile.
    if (this.#waiting.length > 0) this.#runWaiting();
  }

  async #reset(id: number): Promise<void> {
    try {
      const resets = [...this.#tasks].filter(([name]) => name === "reset" || name.endsWith("/reset"));
      this.#channel = this.#newChannel();
      for (const [, reset] of resets) await reset(undefined as never, new RunningTask(id, null));
      this.#outbox.add(answer.done, id, resets.length, 0);
    } catch (error) {
      this.#outbox.add(answer.failed, id, recordError(error), 0);
    }
  }

  #refuseWhenCongested(): void {
    if (!this.#port.isCongested()) return;
    throw new PoolError("channel-full", "Cannot send: too much waits unread at the holder of the lease; send less");
  }

  /** The channel of one lease: what is sent through it when that is over goes nowhere. */
  #newChannel(): Channel {
    const inlets = (this.#inlets = new Inlets());
    const isOver = (): boolean => this.#inlets !== inlets;
    return {
      send: (message, transfer) => {
        if (isOver()) return;
        this.#refuseWhenCongested();
        this.#confirm();
        this.#outbox.add(answer.message, 0, message, 0, transfer ?? null);
      },
      sendBytes: (bytes) => {
        if (isOver()) return;
        this.#refuseWhenCongested();
        this.#confirm();
        this.#outbox.flush();
        this.#port.postBytes(bytes);
      },
      onMessage: (listener) => inlets.messages.listen(listener),
      onBytes: (listener) => inlets.bytes.listen(listener),
    };
  }

  /** Before the first that the pool must not take for something of the lease before. */
  #confirm(): void {
    if (this.#unconfirmed > 0) this.#outbox.add(answer.leased, this.#unconfirmed, null, 0);
    this.#unconfirmed = 0;
  }

  #endWhenIdle(): void {
    if (this.#running.size > 0 || this.#waiting.length > this.#waitingFrom) return;
    this.#outbox.flush();
    this.#port.end();
  }

  #couldNotPost(id: number, op: number, error: unknown): void {
    if (op === answer.message) {
      throwLater(error);
      return;
    }
    const { message } = recordError(error);
    const text = `Cannot send back the result of a task: ${message}; return plain data, buffers or typed arrays`;
    this.#outbox.add(answer.failed, id, recordError(new PoolError("not-cloneable", text)), 0);
    this.#outbox.flush();
  }

  #unknown(name: string): unknown {
    const known = [...this.#tasks.keys()].slice(0, 10).join(", ") || "none";
    const text = `Cannot run task "${name}": its module exports no such function; it has ${known}`;
    return recordError(new PoolError("task-unknown", text));
  }
}

function renice(niceness: number): void {
  try {
    setPriority(0, niceness);
  } catch {
    // The program has given up the right to since: it goes on as nice as it is.
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
