import type { Transferable } from "node:worker_threads";
import { isQuick, learn, type Estimate } from "./estimates.ts";
import { PoolError } from "./failure.ts";
import type { Waiting } from "./queue/task-queue.ts";
import { reviveError } from "./wire/error-record.ts";
import { answer, type ErrorRecord } from "./wire/protocol.ts";
import { causeOf } from "./worker/last-words.ts";
import type { WorkerExit } from "./worker/link.ts";
import type { Pending } from "./worker/pending.ts";
import type { PoolWorker } from "./worker/pool-worker.ts";

/** One call of `run`, from the queue to its answer. */
export class Task implements Waiting, Pending {
  readonly name: string;
  readonly data: unknown;
  readonly priority: number;
  readonly rank: number;
  readonly sequence: number;
  readonly queuedMs: number;
  readonly estimate: Estimate;
  readonly transfer: readonly Transferable[] | null;
  readonly timeoutMs: number;
  /** Which shared worker it must go to; -1 for any. */
  readonly seat: number;
  readonly beginsAtOnce: boolean;
  /** Judged when it came; not to be sent ahead. */
  readonly isSlow: boolean;
  timer: NodeJS.Timeout | null = null;
  /** Number at its worker, 0 before it is sent. */
  id = 0;
  worker: PoolWorker | null = null;
  /** False when its promise is settled, though a worker may still be at it. */
  isWanted = true;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #release: (() => void) | null = null;

  constructor(
    call: Pick<
      Task,
      | "name"
      | "data"
      | "priority"
      | "rank"
      | "sequence"
      | "queuedMs"
      | "estimate"
      | "transfer"
      | "timeoutMs"
      | "seat"
      | "beginsAtOnce"
    >,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.name = call.name;
    this.data = call.data;
    this.priority = call.priority;
    this.rank = call.rank;
    this.sequence = call.sequence;
    this.queuedMs = call.queuedMs;
    this.estimate = call.estimate;
    this.transfer = call.transfer;
    this.timeoutMs = call.timeoutMs;
    this.seat = call.seat;
    this.beginsAtOnce = call.beginsAtOnce;
    this.isSlow = call.transfer !== null || !isQuick(call.estimate);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Objects that were transferred are gone from here: it can be sent only once. */
  get canMove(): boolean {
    return this.transfer === null;
  }

  /** `release` is called once, when the task is settled: it takes back timers and listeners. */
  onSettled(release: () => void): void {
    const before = this.#release;
    this.#release = before === null ? release : () => (before(), release());
  }

  answered(op: number, value: unknown, runUs: number): void {
    if (op !== answer.aborted) learn(this.estimate, runUs);
    if (!this.isWanted) return;
    if (op === answer.done) {
      this.#settle();
      this.#resolve(value);
    } else this.fail(failureOf(value as ErrorRecord | null));
  }

  lost(exit: WorkerExit, why: string): void {
    if (this.isWanted) this.fail(crashOf(`task "${this.name}"`, exit, why));
  }

  /** Settles the promise; the worker may go on. */
  fail(error: unknown): void {
    if (!this.isWanted) return;
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.isWanted = false;
    if (this.timer !== null) clearTimeout(this.timer);
    const release = this.#release;
    if (release === null) return;
    this.#release = null;
    release();
  }
}

/** The error of a task as its caller gets it. */
export function failureOf(record: ErrorRecord | null): Error {
  if (record === null) return new PoolError("pool-closed", "The task was dropped by its worker");
  try {
    const { name, code, message } = record;
    const isOurs = code === "task-unknown" || code === "not-cloneable" || code === "placement-refused";
    // A task may throw errors with such codes, too.
    return isOurs && name === "PoolError" ? new PoolError(code, message) : reviveError(record);
  } catch {
    // Something in the worker has written into our channel: who waits for the answer must be told all the same.
    return crashOf("the task", { kind: "crashed", detail: "it told of an error that cannot be read" }, "");
  }
}

/** The error of whoever had something running in a worker that ended; `why` it did when it did not crash. */
export function crashOf(what: string, exit: WorkerExit, why: string): PoolError {
  if (exit.kind === "out-of-memory")
    return new PoolError("worker-out-of-memory", `Cannot finish ${what}: ${exit.detail}; give the worker more memory`);
  const detail = exit.kind === "crashed" ? exit.detail : why;
  const text = `Cannot finish ${what}: its worker ended while it ran (${detail})`;
  return new PoolError("worker-crashed", text, causeOf(exit));
}
