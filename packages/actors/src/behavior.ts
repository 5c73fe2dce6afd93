import type { Context } from "./context.ts";
import type { ExitReason } from "./exit-reason.ts";
import type { MailboxOptions } from "./mailbox-options.ts";
import { readMailboxOptions, type MailboxLimits } from "./mailbox-options.ts";
import type { ActorSignal } from "./signal.ts";
import type { Cell } from "./cell.ts";
import type { Signal } from "./signal.ts";

/** What a handler may give back: the next state, nothing (the state object stays), or a promise of either. */
export type Next<State> = State | undefined | void | Promise<State | undefined | void>;

/** What an actor does; give it to `actor()`. Every function gets its context as last argument. */
export interface Definition<Message, State, Args> {
  /** What this kind of actor is called in trees, logs and errors. @default "actor" */
  readonly kind?: string;
  /**
   * Makes the state. The actor counts as started when this returns, or when the promise it returns resolves; to throw
   * is a failed start. Return `ignore` to end at once without a failure.
   */
  readonly onStart?: (args: Args, context: Context<Message>) => State | Ignore | Promise<State | Ignore>;
  /** Makes the state instead of `onStart` when a supervisor replaces an actor that ended with `reason`. */
  readonly onRestart?: (args: Args, reason: ExitReason, context: Context<Message>) => State | Promise<State>;
  /** Handles one message. The next message waits for a returned promise. To throw ends the actor with an error. */
  readonly receive: (state: State, message: Message, context: Context<Message>) => Next<State>;
  /** Handles what the runtime tells: an exit of a linked actor (with `trapExits`), a `Down`, a receive timeout. */
  readonly onSignal?: (state: State, signal: ActorSignal, context: Context<Message>) => Next<State>;
  /** Called last, when its children have ended; not called on a kill. */
  readonly onStop?: (state: State, reason: ExitReason, context: Context<Message>) => void | Promise<void>;
  /** Deliver exits of linked actors to `onSignal` instead of ending with them. @default false */
  readonly trapExits?: boolean;
  /** Bounds of the mailbox; `spawn` can override them. */
  readonly mailbox?: MailboxOptions<Message>;
}

/** Returned by `onStart` to say: nothing to do here, and that is not a failure (OTP's `ignore`). */
export const ignore: unique symbol = Symbol("ignore");
export type Ignore = typeof ignore;

/** A kind of actor, ready to be spawned. Made by `actor()` or `supervisor()`. */
export interface Behavior<in Message, in Args = void> {
  readonly kind: string;
  /** Only for the type checker. */
  readonly accepts?: (message: Message, args: Args) => void;
}

/**
 * Makes a behaviour from a definition.
 *
 * @example
 * const counter = actor({
 *   kind: "counter",
 *   onStart: () => ({ count: 0 }),
 *   receive(state, message: { type: "add"; by: number }) {
 *     state.count += message.by;
 *   },
 * });
 */
export function actor<Message, State = undefined, Args = void>(
  definition: Definition<Message, State, Args>,
): Behavior<Message, Args> {
  return new Script(definition as unknown as Definition<unknown, unknown, unknown>);
}

/** How a supervisor takes over its whole life; see supervisor/. */
export interface Interpreter {
  start(cell: Cell, args: unknown): void;
  signal(cell: Cell, signal: Signal): void;
  /** Called when the cell ends, however it does. */
  ended(cell: Cell): void;
}

type Hook<Name extends keyof Definition<unknown, unknown, unknown>> = NonNullable<
  Definition<unknown, unknown, unknown>[Name]
>;

/** A definition in a fixed shape, so that one call site serves every kind of actor at full speed. */
export class Script implements Behavior<unknown, unknown> {
  readonly kind: string;
  readonly receive: (state: unknown, message: unknown, context: Context<unknown>) => unknown;
  readonly onStart: Hook<"onStart"> | null;
  readonly onRestart: Hook<"onRestart"> | null;
  readonly onSignal: Hook<"onSignal"> | null;
  readonly onStop: Hook<"onStop"> | null;
  readonly trapExits: boolean;
  readonly limits: MailboxLimits;
  readonly interpreter: Interpreter | null;

  constructor(definition: Definition<unknown, unknown, unknown>, interpreter: Interpreter | null = null) {
    this.kind = definition.kind ?? "actor";
    this.receive = definition.receive;
    this.onStart = definition.onStart ?? null;
    this.onRestart = definition.onRestart ?? null;
    this.onSignal = definition.onSignal ?? null;
    this.onStop = definition.onStop ?? null;
    this.trapExits = definition.trapExits ?? false;
    this.limits = readMailboxOptions(definition.mailbox);
    this.interpreter = interpreter;
  }
}
