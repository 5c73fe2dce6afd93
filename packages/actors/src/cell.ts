import type { ActorRef, AskOptions, ReplyTo, SendOutcome } from "./actor-ref.ts";
import { ask, call } from "./ask.ts";
import type { Script } from "./behavior.ts";
import type { Context } from "./context.ts";
import { exit, type ExitReason } from "./exit-reason.ts";
import type { Extras } from "./extras.ts";
import { NOT_WAKEABLE, SLOW_SEND } from "./flags.ts";
import type { AnyRef } from "./foreign-ref.ts";
import { link, linkedExit, unlink } from "./links.ts";
import { append, release, type Mailbox } from "./mailbox.ts";
import { demonitor, monitor, type Monitor } from "./monitors.ts";
import { offer } from "./offer.ts";
import { pipe } from "./pipe.ts";
import { setReceiveTimeout } from "./receive-timeout.ts";
import { sendSlowly } from "./send-slowly.ts";
import type { SpawnOptions } from "./spawn-options.ts";
import { stash, unstashAll } from "./stash.ts";
import { abortSignal, stopSelf, tellToStop } from "./stopping.ts";
import type { SupervisedChild } from "./supervisor/child.ts";
import type { ActorSystem } from "./system.ts";
import { sendAfter, sendEvery, type ActorTimer } from "./timers.ts";

/** Slots below this many bits of an id, generations above: more than a mailbox of ids will ever count. */
export const slotLimit = 2 ** 26;

/**
 * One living actor: mailbox, state and place in the tree. The same object is its ref (what others see) and its
 * context (what it sees itself), so that an actor costs one allocation. All fields are set here, in one order: every
 * cell has one shape.
 */
export class Cell implements AnyRef, Context<unknown>, Mailbox {
  readonly system: ActorSystem;
  readonly slot: number;
  readonly generation: number;
  readonly script: Script;
  flags: number;
  /** What `onStart` and the handlers made; of a dead cell, why it ended. */
  state: unknown = undefined;
  head: unknown = undefined;
  ring: unknown[] | null = null;
  read = 0;
  count = 0;
  capacity: number;
  /** Messages handled so far. */
  handled = 0;
  /** The next cell in the run queue. */
  next: Cell | null = null;
  parent: Cell | null;
  elder: Cell | null = null;
  younger: Cell | null = null;
  /** Its supervisor's record of it. */
  child: SupervisedChild | null;
  extras: Extras | null = null;

  constructor(
    system: ActorSystem,
    slot: number,
    generation: number,
    script: Script,
    flags: number,
    parent: Cell | null,
    child: SupervisedChild | null,
  ) {
    this.system = system;
    this.slot = slot;
    this.generation = generation;
    this.script = script;
    this.flags = flags;
    this.capacity = script.limits.capacity;
    this.parent = parent;
    this.child = child;
  }

  send(message: unknown): SendOutcome {
    const flags = this.flags;
    const count = this.count;
    if ((flags & SLOW_SEND) !== 0 || count >= this.capacity) return sendSlowly(this, message);
    if (count === 0) {
      this.head = message;
      this.count = 1;
    } else append(this, message);
    if ((flags & NOT_WAKEABLE) === 0) this.system.runQueue.add(this);
    return "queued";
  }

  offer(message: unknown, options?: { readonly signal?: AbortSignal }): Promise<SendOutcome> {
    return offer(this, message, options?.signal);
  }

  ask<Reply>(build: (replyTo: ReplyTo<Reply>) => unknown, options?: AskOptions): Promise<Reply> {
    return ask(this, build, options);
  }

  call<M, Reply>(ref: ActorRef<M>, build: (replyTo: ReplyTo<Reply>) => M, options?: AskOptions): Promise<Reply> {
    return call(this, ref as AnyRef, build, options);
  }

  get id(): number {
    return this.generation * slotLimit + this.slot;
  }

  get address(): string {
    return `${this.system.name}/${this.script.kind}.${this.id}`;
  }

  get local(): Cell {
    return this;
  }

  get foreign(): null {
    return null;
  }

  get self(): this {
    return this;
  }

  get signal(): AbortSignal {
    return abortSignal(this);
  }

  spawn<Message, Args>(behavior: unknown, options?: SpawnOptions<Message, Args>): ActorRef<Message> {
    return this.system.spawnUnder(this, behavior as Script, options as SpawnOptions<unknown, unknown> | undefined);
  }

  exit(ref: ActorRef<never>, reason: ExitReason = exit.shutdown): void {
    tellToStop(ref, reason);
  }

  stop(reason: ExitReason = exit.normal): void {
    stopSelf(this, reason);
  }

  link(ref: ActorRef<never>): void {
    link(this, ref as AnyRef);
  }

  unlink(ref: ActorRef<never>): void {
    unlink(this, ref as AnyRef);
  }

  /** An actor to which this one is linked has ended. */
  linkedExit(ended: AnyRef, reason: ExitReason): void {
    linkedExit(this, ended, reason);
  }

  monitor(ref: ActorRef<never>): Monitor {
    return monitor(this, ref as AnyRef);
  }

  demonitor(held: Monitor): void {
    demonitor(held);
  }

  sendAfter(delayMs: number, message: unknown): ActorTimer {
    return sendAfter(this, delayMs, message);
  }

  sendEvery(periodMs: number, message: unknown): ActorTimer {
    return sendEvery(this, periodMs, message);
  }

  pipe<Value>(promise: PromiseLike<Value>, done: (value: Value) => unknown, failed: (error: unknown) => unknown): void {
    pipe(this, promise, done, failed);
  }

  setReceiveTimeout(idleMs: number | null): void {
    setReceiveTimeout(this, idleMs);
  }

  stash(message: unknown): void {
    stash(this, message);
  }

  unstashAll(): number {
    return unstashAll(this);
  }

  hibernate(): void {
    if (this.count === 0) release(this);
    const { extras } = this;
    if (extras !== null && extras.signals?.size === 0) extras.signals = null;
  }

  toString(): string {
    return this.address;
  }

  /** A ref inside something that is turned into JSON is its address, never the cell. */
  toJSON(): string {
    return this.address;
  }
}
