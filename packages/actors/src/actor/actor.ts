import { ActorScript, type ScriptParts } from "../cell/actor-script.ts";
import type { Behavior, Ignore, Next } from "../vocabulary/behavior.ts";
import type { ExitReason } from "../vocabulary/exit-reason.ts";
import type { MailboxOptions } from "../vocabulary/mailbox-options.ts";
import type { ActorSignal } from "../vocabulary/signal.ts";
import type { Context } from "./context.ts";

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
  // The runtime gives each function what its types say: state, message and cell always belong to one actor.
  return new ActorScript(definition as unknown as ScriptParts);
}
