import type { AnyRef, Cell, ChildRecord, Extras, Script, World } from "../cell/cell.ts";
import type { ActorRef, AskOptions, ReplyTo, SendOutcome } from "../vocabulary/actor-ref.ts";
import { ask } from "../ask/ask.ts";
import { call } from "../ask/call.ts";
import { exit, type ExitReason } from "../vocabulary/exit-reason.ts";
import { NOT_WAKEABLE, SLOW_SEND } from "../cell/flags.ts";
import { link, linkedExit, unlink } from "../life/links.ts";
import { append, release } from "../queue/mailbox.ts";
import { demonitor, monitor } from "../life/monitors.ts";
import type { ActorTimer, Monitor } from "../vocabulary/signal.ts";
import { offer } from "../cell/offer.ts";
import { pipe } from "../cell/pipe.ts";
import { setReceiveTimeout } from "../cell/receive-timeout.ts";
import { sendSlowly } from "../cell/send-slowly.ts";
import type { SpawnOptions } from "../vocabulary/spawn-options.ts";
import { stash, unstashAll } from "../cell/stash.ts";
import { abortSignal, stopSelf, tellToStop } from "../life/stopping.ts";
import { sendAfter, sendEvery } from "../cell/timers.ts";

/** An id is `generation * slotLimit + slot`: 67 million slots, each used 134 million times, are whole numbers. */
export const slotLimit = 2 ** 26;
export const generationLimit = 2 ** 27;

/**
 * One living actor: mailbox, state and place in the tree. The same object is its ref (what others see) and its
 * context (what it sees itself), so that an actor costs one allocation. All fields are set here, in one order: every
 * cell has one shape.
 */
export class ActorCell implements Cell {
  readonly system: World;
  readonly slot: number;
  readonly generation: number;
  readonly script: Script;
  flags: number;
  state: unknown = undefined;
  head: unknown = undefined;
  ring: unknown[] | null = null;
  read = 0;
  count = 0;
  capacity: number;
  handled = 0;
  next: Cell | null = null;
  readonly parent: Cell | null;
  elder: Cell | null = null;
  younger: Cell | null = null;
  readonly child: ChildRecord | null;
  extras: Extras | null = null;

  constructor(
    system: World,
    slot: number,
    generation: number,
    script: Script,
    flags: number,
    parent: Cell | null,
    child: ChildRecord | null,
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

  get local(): this {
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
  }

  toString(): string {
    return this.address;
  }

  /** A ref inside something that is turned into JSON is its address, never the cell. */
  toJSON(): string {
    return this.address;
  }
}
