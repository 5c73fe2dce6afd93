import type { Transferable } from "node:worker_threads";
import { awaitEnd } from "../bounded-wait.ts";
import { throwLater } from "../bystander.ts";
import { Inlets } from "../channel.ts";
import { PoolError } from "../failure.ts";
import { recordError, reviveError } from "../wire/error-record.ts";
import { Outbox } from "../wire/outbox.ts";
import {
  answer,
  order,
  stride,
  unlimited,
  type Batch,
  type Boot,
  type WarmReport,
  type WarmupFailure,
} from "../wire/protocol.ts";
import { tellUncaught, warmupErrorOf } from "./last-words.ts";
import { entryUrl, hasBegun, type Link, type LinkEvents, type WorkerExit } from "./link.ts";
import { recalled, type Pending, type Progress } from "./pending.ts";

/** Where a worker is in its life; each state has only what belongs to it. */
export type WorkerState =
  | { readonly kind: "starting"; readonly sinceMs: number }
  /** It has everything, and is handed over to nobody; `left` is how often still. */
  | { readonly kind: "rehearsing"; readonly sinceMs: number; readonly report: WarmReport; readonly left: number }
  | { readonly kind: "warm"; readonly sinceMs: number; readonly report: WarmReport }
  | { readonly kind: "leased"; readonly sinceMs: number; readonly report: WarmReport }
  | { readonly kind: "retiring"; readonly why: string }
  | { readonly kind: "gone"; readonly exit: WorkerExit };

/** Who owns a worker. */
export interface WorkerOwner {
  warm(worker: PoolWorker): void;
  /** It did not get warm; `what` names the module or function at which it failed. */
  warmupFailed(what: string, error: Error, worker: PoolWorker): void;
  /** Something ran so long; `failed` when it answered with an error. */
  ran(us: number, failed: boolean): void;
  /** It ended while it ran this; `why` when it did not crash. */
  lost(pending: Pending, exit: WorkerExit, why: string): void;
  /** It did not begin this, as it was being taken back. */
  skipped(pending: Pending): void;
  /** Answers came: it has room for more. */
  freed(worker: PoolWorker): void;
  /** It is gone; `unstarted` had been sent and never began. */
  gone(worker: PoolWorker, exit: WorkerExit, unstarted: Pending[]): void;
}

/** Hand-overs that a worker rehearses: each makes the next one faster, the first by far the most. */
const rehearsals = 3;

let lastNumber = 0;

/** The pool's view of one worker: what it is at, and what it was. */
export class PoolWorker {
  /** Unique in this process. */
  readonly number = (lastNumber += 1);
  readonly startedMs = performance.now();
  readonly owner: WorkerOwner;
  state: WorkerState;
  tasksDone = 0;
  /** When it last answered, or was last sent something while it had nothing. */
  lastAnswerMs = 0;
  /** Slow ones in flight. */
  slow = 0;
  busyUs = 0;
  memoryBytes = 0;
  /** Why it is ended, once somebody said so. */
  endedFor: string | null = null;
  readonly link: Link;
  readonly #inFlight = new Map<number, Pending>();
  readonly #outbox: Outbox;
  #warmUpTimer: NodeJS.Timeout;
  readonly #endGraceMs: number;
  /** Others come first until it is warm. */
  #niced: boolean;
  #endTimer: NodeJS.Timeout | null = null;
  /** The last one that was sent while there was nothing else: the worker begins it without asking. */
  #first = 0;
  /** Places in flight of what was taken back. */
  #recalled = 0;
  #lastId = 0;
  /** Who leased it, and how many have; what comes before the worker has confirmed the last one is for an earlier one. */
  #inlets: Inlets | null = null;
  #leases = 0;
  #confirmed = 0;
  #measured = true;
  /** What it was at last while it warmed up. */
  #warming = "";

  constructor(
    start: (events: LinkEvents) => Link,
    owner: WorkerOwner,
    boot: Boot,
    settings: { readonly warmUpTimeoutMs: number; readonly abortGraceMs: number; readonly niceness: number | null },
  ) {
    this.owner = owner;
    this.#endGraceMs = settings.abortGraceMs;
    this.#niced = settings.niceness !== null;
    this.state = { kind: "starting", sinceMs: this.startedMs };
    this.link = start({
      onBatch: (batch) => this.#receive(batch),
      onBytes: (bytes) => this.#hears()?.bytes.deliver(bytes),
      onExit: (exit) => this.#gone(exit),
    });
    this.#outbox = new Outbox(
      (batch, transfer) => this.link.post(batch, transfer),
      (id, _op, error) => this.#couldNotSend(id, error),
    );
    if (settings.niceness !== null && this.link.placement === "process") this.link.setNiceness(settings.niceness);
    this.#outbox.add(order.boot, 0, "", boot);
    const halfMs = settings.warmUpTimeoutMs / 2;
    const late = (): void => this.#failLate(settings.warmUpTimeoutMs);
    this.#warmUpTimer = setTimeout(() => {
      // On a busy machine it would never get there.
      this.hurry();
      this.#warmUpTimer = setTimeout(late, halfMs);
    }, halfMs);
  }

  /** Somebody waits for it: it is not to get warm behind all others any more. */
  hurry(): void {
    if (!this.#niced) return;
    this.#niced = false;
    if (this.link.placement === "process") this.link.setNiceness(0);
    else this.tell(order.nice, 0, null);
  }

  /** Tasks and calls that it has and has not answered. */
  get inFlight(): number {
    return this.#inFlight.size - this.#recalled;
  }

  /** How many orders with an answer it was sent so far. */
  get sent(): number {
    return this.#lastId;
  }

  /** Why it ended, when it did not crash. */
  get why(): string {
    return this.endedFor ?? "it exited by itself, with code 0";
  }

  /** Sends an order whose answer `pending` waits for; returns its id. */
  call(op: number, text: string, data: unknown, pending: Pending, transfer: readonly Transferable[] | null): number {
    const id = (this.#lastId += 1);
    const isFirst = op <= order.runAlone && this.#inFlight.size === 0;
    if (isFirst) {
      this.lastAnswerMs = performance.now();
      this.#first = id;
    }
    this.#inFlight.set(id, pending);
    if (pending.isSlow) this.slow += 1;
    this.#outbox.add(isFirst && op === order.run ? order.runFirst : op, id, text, data, transfer);
    return id;
  }

  /** Sends an order that has no answer. */
  tell(op: number, id: number, data: unknown, transfer: readonly Transferable[] | null = null): void {
    this.#outbox.add(op, id, "", data, transfer);
  }

  /** What it sends goes there from now on. It learns of that with the first order of this lease. */
  leaseTo(inlets: Inlets): void {
    this.#inlets = inlets;
    this.#outbox.addForLater(order.lease, (this.#leases += 1), "", null);
  }

  /** What it sends is for nobody any more. */
  endLease(): void {
    this.#inlets = null;
    this.tell(order.lease, 0, null);
  }

  /** Sends what is collected now instead of at the end of the turn. */
  flush(): void {
    this.#outbox.flush();
  }

  /** Asks for a memory reading unless one is on its way. */
  measure(): void {
    if (!this.#measured) return;
    this.#measured = false;
    this.tell(order.measure, 0, null);
  }

  /**
   * Takes back what was sent and has not begun. Until the worker has passed by what it may not begin any more, nothing
   * new can be sent to it.
   */
  recall(): Pending[] {
    if (this.#recalled > 0 || this.link.placement === "inline" || !this.#allCanMove()) return [];
    this.link.limit(Math.max(this.#first, this.link.lastStarted()));
    // Read again: what began before the limit was there counts as begun, and is answered as done or as skipped.
    const begun = Math.max(this.#first, this.link.lastStarted());
    const back: Pending[] = [];
    for (const [id, pending] of this.#inFlight) {
      if (id <= begun) continue;
      back.push(pending);
      if (pending.isSlow) this.slow -= 1;
      this.#inFlight.set(id, recalled);
    }
    this.#recalled = back.length;
    if (back.length === 0) this.link.limit(unlimited);
    return back;
  }

  /** Whether it may be sent something. */
  get isOpen(): boolean {
    return this.state.kind === "warm" && this.#recalled === 0;
  }

  /** How far it has got with this. */
  progressOf(id: number): Progress {
    const pending = this.#inFlight.get(id);
    if (pending === undefined || pending === recalled) return "over";
    const lastStarted = this.link.lastStarted();
    if (pending.beginsAtOnce || hasBegun(id, lastStarted)) return "begun";
    // What a leased one does besides tasks is its holder's business.
    if (this.state.kind === "leased") return "waits";
    const [oldest = id] = this.#inFlight.keys();
    return hasBegun(oldest, lastStarted) ? "waits" : "stuck";
  }

  /** Ends it at once, with all it has started. */
  end(why: string): Promise<void> {
    this.endedFor ??= why;
    // It is there for a moment still, and is not to be sent anything.
    if (this.state.kind === "warm") this.state = { kind: "retiring", why };
    return awaitEnd(this.link.terminate(), `Pool worker ${this.number} (${this.link.placement} ${this.link.id})`);
  }

  /** Lets it finish what it has, then end. */
  retire(why: string): void {
    if (this.state.kind === "gone" || this.state.kind === "retiring") return;
    this.state = { kind: "retiring", why };
    this.endedFor ??= why;
    this.tell(order.stop, 0, null);
    this.#seeItEnd(why);
  }

  #receive(batch: Batch): void {
    let answered = 0;
    let done = 0;
    for (let at = 0; at < batch.length; at += stride) {
      const op = batch[at] as number;
      if (op <= answer.skipped) {
        const id = batch[at + 1] as number;
        const pending = this.#inFlight.get(id);
        if (pending === undefined) {
          if (this.state.kind === "rehearsing") this.#rehearse(this.state.report, this.state.left - 1);
          continue;
        }
        this.#inFlight.delete(id);
        answered += 1;
        if (pending === recalled) {
          this.#passedBy();
          continue;
        }
        if (pending.isSlow) this.slow -= 1;
        if (op === answer.skipped) {
          this.owner.skipped(pending);
          continue;
        }
        if (op === answer.aborted) {
          pending.answered(op, null, 0);
          continue;
        }
        done += 1;
        const runUs = batch[at + 3] as number;
        this.busyUs += runUs;
        this.owner.ran(runUs, op === answer.failed);
        pending.answered(op, batch[at + 2], runUs);
      } else if (op === answer.leased) this.#confirmed = batch[at + 1] as number;
      else this.#note(op, batch[at + 2]);
    }
    if (answered === 0) return;
    this.lastAnswerMs = performance.now();
    this.tasksDone += done;
    if (this.state.kind === "retiring") this.#seeItEnd(this.state.why);
    this.owner.freed(this);
  }

  /** It may be at something that is no task, and never come to its end. */
  #seeItEnd(why: string): void {
    if (this.#inFlight.size === 0) this.#endTimer ??= setTimeout(() => void this.end(why), this.#endGraceMs).unref();
  }

  #hears(): Inlets | null {
    return this.#confirmed === this.#leases ? this.#inlets : null;
  }

  #allCanMove(): boolean {
    for (const pending of this.#inFlight.values()) if (!pending.canMove) return false;
    return true;
  }

  #passedBy(): void {
    this.#recalled -= 1;
    if (this.#recalled === 0) this.link.limit(unlimited);
  }

  #note(op: number, value: unknown): void {
    if (op === answer.message) this.#hears()?.messages.deliver(value);
    else if (op === answer.memory) {
      this.memoryBytes = value as number;
      this.#measured = true;
    } else if (this.state.kind !== "starting") return;
    else if (op === answer.warming) this.#warming = value as string;
    else if (op === answer.warm) {
      this.#rehearse(value as WarmReport, this.link.placement === "inline" ? 0 : rehearsals);
    } else {
      const { what, error } = value as WarmupFailure;
      this.owner.warmupFailed(what, reviveError(error), this);
      void this.end(`warm-up of ${what} failed`);
    }
  }

  /**
   * Hands it over to nobody, with a module of ours: the first hand-over takes twice the time of the third, as Node's loader
   * and our own code are compiled, and their pages mapped, when they are first used.
   */
  #rehearse(report: WarmReport, left: number): void {
    if (left === 0) {
      this.#becomeWarm(report);
      return;
    }
    this.state = { kind: "rehearsing", sinceMs: this.startedMs, report, left };
    this.#warming = "its rehearsal";
    this.leaseTo(new Inlets());
    this.#outbox.add(order.load, (this.#lastId += 1), rehearsalUrl(left), null);
    this.endLease();
    this.#outbox.flush();
  }

  #becomeWarm(report: WarmReport): void {
    clearTimeout(this.#warmUpTimer);
    this.memoryBytes = report.memoryBytes;
    this.state = { kind: "warm", sinceMs: performance.now(), report };
    this.hurry();
    this.owner.warm(this);
  }

  #failLate(warmUpTimeoutMs: number): void {
    const text = `not warm after ${warmUpTimeoutMs} ms`;
    this.owner.warmupFailed(this.#warming, new Error(text), this);
    void this.end(text);
  }

  #couldNotSend(id: number, error: unknown): void {
    const pending = this.#inFlight.get(id);
    if (pending === undefined) {
      throwLater(error);
      return;
    }
    this.#inFlight.delete(id);
    if (pending.isSlow) this.slow -= 1;
    const { message } = recordError(error);
    const limits = this.link.placement === "process" ? " (shared memory and ports reach threads only)" : "";
    const text = `Cannot send to a worker: ${message}; wanted plain data, buffers or typed arrays${limits}`;
    pending.answered(answer.failed, recordError(new PoolError("not-cloneable", text)), 0);
    this.owner.freed(this);
  }

  #gone(exit: WorkerExit): void {
    if (this.state.kind === "gone") return;
    clearTimeout(this.#warmUpTimer);
    if (this.#endTimer !== null) clearTimeout(this.#endTimer);
    const lastStarted = this.link.lastStarted();
    if ((this.state.kind === "starting" || this.state.kind === "rehearsing") && this.endedFor === null)
      this.owner.warmupFailed(this.#warming, warmupErrorOf(exit), this);
    else if (this.inFlight === 0) tellUncaught(this.number, exit);
    this.state = { kind: "gone", exit };
    const unstarted: Pending[] = [];
    for (const [id, pending] of this.#inFlight)
      if (pending === recalled) continue;
      else if (hasBegun(id, lastStarted)) this.owner.lost(pending, exit, this.why);
      else unstarted.push(pending);
    this.#inFlight.clear();
    this.owner.gone(this, exit, unstarted);
  }
}

/** Node knows a module by its whole URL: each of these is a new one. */
function rehearsalUrl(number: number): string {
  return `${entryUrl("rehearsal").href}?${number}`;
}
