import { ActorScript } from "../cell/actor-script.ts";
import { extrasOf, type AnyRef, type Cell, type ChildRecord, type Script, type World } from "../cell/cell.ts";
import type { ActorRef, SendOutcome } from "../vocabulary/actor-ref.ts";
import { AlarmClock } from "../time/alarm-clock.ts";
import { ActorCell, generationLimit, slotLimit } from "./actor-cell.ts";
import { DeadLetters } from "../telemetry/dead-letters.ts";
import { exit, type ExitReason } from "../vocabulary/exit-reason.ts";
import {
  DEAD,
  INTERCEPTED,
  OBSERVED,
  PRIORITY,
  STARTING,
  STARTING_CHILDREN,
  STOPPING,
  SUPERVISOR,
  TRACED,
  TRAPS_EXITS,
} from "../cell/flags.ts";
import { Groups } from "./groups.ts";
import { carefulHooks, type Hooks } from "../telemetry/hooks.ts";
import { defaultHost, tell, type Host } from "../host.ts";
import { kill } from "../life/killing.ts";
import { link } from "../life/links.ts";
import { readMailboxOptions } from "../vocabulary/mailbox-options.ts";
import { watch } from "../life/monitors.ts";
import { NamedRef } from "./named-ref.ts";
import { Registry } from "./registry.ts";
import { RunQueue, type SliceLimits } from "../run/run-queue.ts";
import { deliverSlowly } from "../cell/send-slowly.ts";
import type { Spawn, SpawnOptions } from "../vocabulary/spawn-options.ts";
import { StartError } from "../vocabulary/start-error.ts";
import { start } from "../life/starting.ts";
import { stopWithin, whenEnded } from "../life/stop-within.ts";
import { Tracing, type Span } from "../telemetry/tracing.ts";

/** Settings of a system. */
export interface SystemOptions {
  /** First part of every address. @default "local" */
  readonly name?: string;
  /** Clock, event loop, chance and log. @default the engine's own */
  readonly host?: Host;
  readonly slice?: Partial<SliceLimits>;
  /** How long `stop` waits for an actor, and an actor for its children, before it kills. @default 5000 */
  readonly stopTimeoutMs?: number;
  /** Log dead letters, at most one line in five seconds. @default true */
  readonly logDeadLetters?: boolean;
  /** Log what supervisors report; a child that crashes again and again is logged once. @default true */
  readonly logReports?: boolean;
  readonly hooks?: Hooks;
  /** Turns tracing on and is told each span. */
  readonly onSpan?: (span: Span) => void;
}

/** Puts itself between senders and mailboxes; the test kit injects faults so. */
export type Interceptor = (
  ref: ActorRef<never>,
  message: unknown,
  deliver: (message: unknown) => SendOutcome,
) => SendOutcome;

/** A world of actors in one thread: their tree, their names, their time. */
export class ActorSystem implements World {
  readonly name: string;
  readonly host: Host;
  readonly registry = new Registry();
  readonly groups: Groups;
  readonly deadLetters: DeadLetters;
  readonly tracing: Tracing;
  readonly hooks: Hooks | null;
  readonly stopTimeoutMs: number;
  /** @internal */
  readonly logsReports: boolean;
  /** @internal */
  readonly runQueue: RunQueue;
  /** @internal */
  readonly alarms: AlarmClock;
  /** @internal */
  readonly counters = { spawned: 0, ended: 0, lateReplies: 0, restarts: 0 };
  readonly #cells: (Cell | null)[] = [];
  readonly #generations: number[] = [];
  readonly #freeSlots: number[] = [];
  readonly #root: Cell;
  #interceptor = passOn;
  #baseFlags: number;

  constructor(options: SystemOptions = {}) {
    this.name = options.name ?? "local";
    this.host = options.host ?? defaultHost();
    this.stopTimeoutMs = options.stopTimeoutMs ?? 5000;
    this.hooks = options.hooks === undefined ? null : carefulHooks(this.host, options.hooks);
    this.logsReports = options.logReports ?? true;
    this.groups = new Groups(this.host);
    this.deadLetters = new DeadLetters(this.host, options.logDeadLetters ?? true);
    this.tracing = new Tracing(this.host, options.onSpan ?? null);
    this.runQueue = new RunQueue(this.host, { messages: 4096, durationMs: 1, perActor: 128, ...options.slice });
    this.alarms = new AlarmClock(this.host);
    this.#baseFlags = (this.tracing.isOn ? TRACED : 0) | (this.hooks?.onMessage === undefined ? 0 : OBSERVED);
    this.#root = this.#create(rootScript, null, null);
    this.counters.spawned = 0;
  }

  /** Starts an actor at the top of the tree. */
  readonly spawn: Spawn = <Message, Args>(behavior: unknown, options?: SpawnOptions<Message, Args>) =>
    this.spawnUnder(this.#root, behavior as Script, options as SpawnOptions<unknown, unknown> | undefined);

  /** A ref to whoever holds `name` whenever it is used, so also to an actor's replacement after a crash. */
  named<Message>(name: string): ActorRef<Message> {
    return new NamedRef(this, name);
  }

  /** The living actor with this id. */
  find<Message = never>(id: number): ActorRef<Message> | undefined {
    const cell = this.#cells[id % slotLimit];
    return cell !== null && cell !== undefined && cell.id === id ? cell : undefined;
  }

  /**
   * Ends an actor in order and waits for that. After `timeoutMs` it is killed.
   * @returns why it ended; `noproc` when it had ended before.
   */
  stop(
    ref: ActorRef<never>,
    reason: ExitReason = exit.shutdown,
    timeoutMs: number = this.stopTimeoutMs,
  ): Promise<ExitReason> {
    return stopWithin(ref as AnyRef, reason, timeoutMs);
  }

  /** Ends an actor of this system at once: no `onStop`, no wait for its handler. Children are told to end. */
  kill(ref: ActorRef<never>): void {
    const { local } = ref as AnyRef;
    if (local !== null) kill(local);
  }

  /** Resolves with the reason when the actor ends; with `noproc` when it has. */
  whenEnded(ref: ActorRef<never>): Promise<ExitReason> {
    return whenEnded(ref as AnyRef);
  }

  /**
   * Resolves when the actor's `onStart` is done (a supervisor's: when its children have started).
   * @throws StartError when it has ended, or ends before it has started.
   */
  whenStarted(ref: ActorRef<never>): Promise<void> {
    const { local } = ref as AnyRef;
    if (local !== null && (local.flags & DEAD) !== 0)
      return Promise.reject(new StartError(local.address, local.state as ExitReason));
    if (local === null || (local.flags & (STARTING | STARTING_CHILDREN)) === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const monitor = watch(local, (reason) => reject(new StartError(local.address, reason)));
      (extrasOf(local).startWaiters ??= []).push(() => {
        monitor.cancel();
        resolve();
      });
    });
  }

  /** Calls `listener` once when the actor ends; returns how to stop watching. */
  watch(ref: ActorRef<never>, listener: (reason: ExitReason) => void): () => void {
    const monitor = watch(ref as AnyRef, (reason) => tell(this.host, listener, reason));
    return () => monitor.cancel();
  }

  /**
   * Ends everything: children before parents, the youngest first. What has not ended after `timeoutMs` is killed, down
   * to the last actor.
   */
  async shutdown(timeoutMs: number = this.stopTimeoutMs): Promise<void> {
    await this.stop(this.#root, exit.shutdown, timeoutMs);
    for (const cell of this.#cells) if (cell !== null) kill(cell);
    this.alarms.close();
  }

  /** Living actors, without the root. */
  get size(): number {
    return this.counters.spawned - this.counters.ended;
  }

  /** Every living actor, without the root. */
  *actors(): Generator<ActorRef<never>> {
    for (const cell of this.#cells) if (cell !== null && cell !== this.#root) yield cell;
  }

  /** @internal The actor above all others. */
  get root(): Cell {
    return this.#root;
  }

  /** @internal */
  spawnUnder(parent: Cell, script: Script, options: SpawnOptions<unknown, unknown> | undefined): Cell {
    const cell = this.#create(script, parent, null);
    try {
      if (options !== undefined) this.#apply(cell, options);
    } catch (error) {
      kill(cell);
      throw error;
    }
    start(cell, options?.args, null);
    return cell;
  }

  /** @internal A supervisor's way to spawn. */
  spawnChild(
    parent: Cell,
    script: Script,
    child: ChildRecord,
    options: SpawnOptions<unknown, unknown> | null,
    args: unknown,
    previous: ExitReason | null,
  ): Cell {
    const cell = this.#create(script, parent, child);
    try {
      if (options !== null) this.#apply(cell, options);
    } catch (error) {
      kill(cell);
      throw error;
    }
    start(cell, args, previous);
    return cell;
  }

  /** @internal */
  release(cell: Cell): void {
    if (cell !== this.#root) this.counters.ended += 1;
    this.#cells[cell.slot] = null;
    this.#generations[cell.slot] = cell.generation + 1;
    // A slot that was used so often that ids would lose digits is not used again.
    if (cell.generation + 1 < generationLimit) this.#freeSlots.push(cell.slot);
  }

  /** @internal */
  ended(cell: Cell, reason: ExitReason): void {
    if (this.hooks !== null) this.hooks.onExit?.(cell, reason);
  }

  /** @internal Puts `interceptor` between all senders and mailboxes, or takes it away. */
  interceptWith(interceptor: Interceptor | null): void {
    const mark = interceptor === null ? 0 : INTERCEPTED;
    this.#interceptor = interceptor ?? passOn;
    this.#baseFlags = (this.#baseFlags & ~INTERCEPTED) | mark;
    for (const cell of this.#cells) if (cell !== null) cell.flags = (cell.flags & ~INTERCEPTED) | mark;
  }

  /** @internal */
  intercept(cell: Cell, message: unknown): SendOutcome {
    return this.#interceptor(cell, message, (changed) => deliverSlowly(cell, changed));
  }

  #create(script: Script, parent: Cell | null, child: ChildRecord | null): Cell {
    if (parent !== null && (parent.flags & (STOPPING | DEAD)) !== 0)
      throw new Error(`Cannot spawn ${script.kind} under ${parent.address}: that actor is ending`);
    const slot = this.#freeSlots.pop() ?? this.#newSlot();
    let flags = this.#baseFlags;
    if (script.trapExits) flags |= TRAPS_EXITS;
    if (script.interpreter !== null) flags |= SUPERVISOR;
    if (script.limits.priority !== null) flags |= PRIORITY;
    const cell = new ActorCell(this, slot, this.#generations[slot] as number, script, flags, parent, child);
    this.#cells[slot] = cell;
    this.counters.spawned += 1;
    if (parent !== null) adopt(parent, cell);
    if (this.hooks !== null) this.hooks.onSpawn?.(cell);
    return cell;
  }

  #newSlot(): number {
    const slot = this.#cells.length;
    if (slot >= slotLimit)
      throw new RangeError(`Cannot spawn: ${slotLimit} actors live in system ${this.name} already`);
    this.#cells.push(null);
    this.#generations.push(0);
    return slot;
  }

  #apply(cell: Cell, options: SpawnOptions<unknown, unknown>): void {
    if (options.mailbox !== undefined) {
      const limits = readMailboxOptions(options.mailbox);
      extrasOf(cell).limits = limits;
      cell.capacity = limits.capacity;
      cell.flags = limits.priority === null ? cell.flags & ~PRIORITY : cell.flags | PRIORITY;
    }
    if (options.name !== undefined) this.registry.register(options.name, cell);
    if (options.link === true && cell.parent !== null && cell.parent !== this.#root) link(cell, cell.parent);
  }
}

const passOn: Interceptor = (_ref, message, deliver) => deliver(message);

/** Never handles a message; it is the parent of all that have no other. */
const rootScript = new ActorScript({ kind: "root", receive: () => undefined });

function adopt(parent: Cell, cell: Cell): void {
  const extras = extrasOf(parent);
  const elder = extras.youngest;
  cell.elder = elder;
  if (elder !== null) elder.younger = cell;
  extras.youngest = cell;
}
