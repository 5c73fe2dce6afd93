import type { Abilities } from "../vocabulary/abilities.ts";
import type { ActorRef, SendOutcome } from "../vocabulary/actor-ref.ts";
import type { ExitReason } from "../vocabulary/exit-reason.ts";
import type { MailboxLimits } from "../vocabulary/mailbox-options.ts";
import type { ActorSignal } from "../vocabulary/signal.ts";
import type { SpawnOptions } from "../vocabulary/spawn-options.ts";
import type { Fifo } from "../queue/fifo.ts";
import type { Mailbox } from "../queue/mailbox.ts";
import type { PriorityHeap } from "../queue/priority-heap.ts";
import type { DeadLetters } from "../telemetry/dead-letters.ts";
import type { Hooks } from "../telemetry/hooks.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { AlarmClock } from "../time/alarm-clock.ts";
import type { WheelEntry } from "../time/timer-wheel.ts";
import type { Host } from "../host.ts";

// What an actor consists of, and what it needs of others. These types speak of each other, so they stand together;
// everything that is done with them stands above, one file for each.

/** A ref of the runtime's own making; `local` finds the cell behind it, if it lives in this system. */
export interface AnyRef extends ActorRef<unknown> {
  readonly local: Cell | null;
  /** The far actor behind it, if it lives elsewhere. */
  readonly foreign: ForeignRef | null;
}

/** An actor in another thread, process or machine: what links, monitors and exits need of it. */
export interface ForeignRef extends AnyRef {
  monitor(watch: Watch): void;
  demonitor(watch: Watch): void;
  link(cell: Cell): void;
  unlink(cell: Cell): void;
  /** The local end of a link has ended. */
  linkedExit(cell: Cell, reason: ExitReason): void;
  /** Tells the far actor to end in order. */
  stop(reason: ExitReason): void;
}

/** One living actor: mailbox, state and place in the tree; see `ActorCell`. */
export interface Cell extends AnyRef, Abilities<unknown>, Mailbox {
  readonly system: World;
  readonly slot: number;
  readonly generation: number;
  readonly script: Script;
  /** Bits of `flags.ts`. */
  flags: number;
  /** What `onStart` and the handlers made; of a dead cell, why it ended. */
  state: unknown;
  capacity: number;
  /** Messages handled; carried over to the extras now and then. */
  handled: number;
  /** The next cell in the run queue. */
  next: Cell | null;
  readonly parent: Cell | null;
  elder: Cell | null;
  younger: Cell | null;
  /** Its supervisor's record of it. */
  readonly child: ChildRecord | null;
  extras: Extras | null;
  /** An actor to which this one is linked has ended. */
  linkedExit(ended: AnyRef, reason: ExitReason): void;
}

/** What a cell needs of the system that it lives in. */
export interface World {
  readonly name: string;
  readonly host: Host;
  readonly alarms: AlarmClock;
  readonly deadLetters: DeadLetters;
  readonly tracing: Tracing;
  readonly hooks: Hooks | null;
  readonly stopTimeoutMs: number;
  readonly logsReports: boolean;
  readonly counters: { spawned: number; ended: number; lateReplies: number; restarts: number };
  /** Where a cell goes that has something to do. */
  readonly runQueue: { add(cell: Cell): void };
  readonly registry: { cellOf(name: string): Cell | null; free(name: string, cell: Cell): void };
  readonly groups: { leaveAll(cell: Cell): void };
  spawnUnder(parent: Cell, script: Script, options: SpawnOptions<unknown, unknown> | undefined): Cell;
  /** A supervisor's way to spawn; `previous` is why the actor that the new one replaces ended. */
  spawnChild(
    parent: Cell,
    script: Script,
    child: ChildRecord,
    options: SpawnOptions<unknown, unknown> | null,
    args: unknown,
    previous: ExitReason | null,
  ): Cell;
  /** A test stands between senders and mailboxes. */
  intercept(cell: Cell, message: unknown): SendOutcome;
  /** The slot of an ended cell is free. */
  release(cell: Cell): void;
  /** Everybody else has been told of the end. */
  ended(cell: Cell, reason: ExitReason): void;
}

/** What actors of one kind do; see `ActorScript`. */
export interface Script {
  readonly kind: string;
  readonly receive: (state: unknown, message: unknown, cell: Cell) => unknown;
  readonly onStart: ((args: unknown, cell: Cell) => unknown) | null;
  readonly onRestart: ((args: unknown, reason: ExitReason, cell: Cell) => unknown) | null;
  readonly onSignal: ((state: unknown, signal: ActorSignal, cell: Cell) => unknown) | null;
  readonly onStop: ((state: unknown, reason: ExitReason, cell: Cell) => unknown) | null;
  readonly trapExits: boolean;
  readonly limits: MailboxLimits;
  /** Of a supervisor. */
  readonly interpreter: Interpreter | null;
}

/** How a supervisor takes over its whole life; see supervisor/. */
export interface Interpreter {
  start(cell: Cell, args: unknown): void;
  signal(cell: Cell, signal: Signal): void;
  /** Called when the cell ends, however it does. */
  ended(cell: Cell): void;
}

/** What a cell knows of its supervisor's record of it. */
export interface ChildRecord {
  /** Null under a dynamic supervisor. */
  readonly id: string | null;
  /** How often its supervisor has seen it crash. */
  readonly restarts: number;
  /** It has run long enough since its last crash: the next one is the first of a row again. */
  hasSettled(nowMs: number): boolean;
  /** `spawn` is on the stack: an end of the actor now is a failed start. */
  readonly isSpawning: boolean;
}

/** Everything that travels in the system lane. */
export type Signal =
  | ActorSignal
  /** End in order, whoever it comes from: the owner, or `system.stop`. */
  | { readonly kind: "stop"; readonly reason: ExitReason }
  /** A message from a timer or a piped promise: it bypasses the bounds of the mailbox. */
  | Delivery
  /** Something that the actor had begun has failed: it ends with the error. */
  | { readonly kind: "fail"; readonly error: unknown }
  | { readonly kind: "child-started"; readonly child: Cell }
  | { readonly kind: "child-exit"; readonly child: Cell; readonly reason: ExitReason }
  /** Somebody wants to know or change something about a supervisor's children. */
  | { readonly kind: "call"; readonly call: { refuse(): void } }
  /** A timer of the runtime itself; `token` says which. */
  | { readonly kind: "alarm"; readonly token: object };

/** A message in the system lane. */
export interface Delivery {
  readonly kind: "deliver";
  readonly message: unknown;
  /** Of a timer that repeats: its beat has not been handled yet. */
  isWaiting?: boolean;
}

/** A watch on the end of one actor; see `monitors.ts`. */
export interface Watch {
  fire(reason: ExitReason): void;
  cancel(): void;
}

/** A message whose sender waits for room; see `offer.ts`. */
export interface Offer {
  readonly message: unknown;
  withdrawn: boolean;
  /** Sends it, and tells the sender what became of it. */
  admit(): void;
}

/** Senders that wait for room, in their order; those that gave up stay until they are half of them. */
export interface WaitingOffers {
  queue: Fifo<Offer>;
  withdrawn: number;
}

/** What most actors never need, apart from the cell so that a million idle ones stay small. */
export class Extras {
  signals: Fifo<Signal> | null = null;
  /** Signals handled so far. */
  signalsHandled = 0;
  /** Messages handled before those that the cell counts. */
  handledBefore = 0;
  links: Set<Cell | ForeignRef> | null = null;
  /** Monitors that others hold on this actor. */
  watchers: Set<Watch> | null = null;
  /** Monitors that this actor holds on others. */
  monitoring: Set<Watch> | null = null;
  /** The youngest child; the others hang on it by `Cell.elder`. */
  youngest: Cell | null = null;
  names: string[] | null = null;
  groups: string[] | null = null;
  /** The latest of the open asks that wait for this actor; the others hang on it. */
  asks: { targetEnded(reason: ExitReason): void } | null = null;
  timers: Set<{ cancel(): boolean }> | null = null;
  /** Called when the actor has started. */
  startWaiters: (() => void)[] | null = null;
  abort: AbortController | null = null;
  exitReason: ExitReason | null = null;
  limits: MailboxLimits | null = null;
  heap: PriorityHeap | null = null;
  offers: WaitingOffers | null = null;
  stash: unknown[] | null = null;
  receiveTimeout: (WheelEntry & { restart(): void }) | null = null;
  /** The actor whose answer this one awaits, to find circles of asks. */
  awaited: Cell | null = null;
  /** Rings when its children take too long to end. */
  stopAlarm: WheelEntry | null = null;
}

/** The rarely used part of a cell, made on first use. */
export function extrasOf(cell: Cell): Extras {
  return (cell.extras ??= new Extras());
}
