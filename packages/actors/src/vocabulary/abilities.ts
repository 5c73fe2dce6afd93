import type { ActorRef, AskOptions, ReplyTo } from "./actor-ref.ts";
import type { ExitReason } from "./exit-reason.ts";
import type { ActorTimer, Monitor } from "./signal.ts";
import type { Spawn } from "./spawn-options.ts";

/** What an actor can do from inside its functions; `Context` adds the system. Valid only while the actor lives. */
export interface Abilities<in out Message> {
  readonly self: ActorRef<Message>;
  /**
   * Aborts when the actor is told to end, or is to end with one that it is linked to: give it to whatever you await. A
   * handler that gives up because of it, with its reason or an `AbortError`, has not failed.
   */
  readonly signal: AbortSignal;
  /** Starts a child: it is stopped, and waited for, before this actor ends. */
  readonly spawn: Spawn;
  /** Ends a child or any other actor in order; it runs its `onStop`. @default exit.shutdown */
  exit(ref: ActorRef<never>, reason?: ExitReason): void;
  /** Ends this actor after the current message. @default exit.normal */
  stop(reason?: ExitReason): void;
  /** Ends together with `ref`, both ways; see `trapExits`. */
  link(ref: ActorRef<never>): void;
  unlink(ref: ActorRef<never>): void;
  /** Asks for one `Down` signal when `ref` ends; at once, with `noproc`, if it has. */
  monitor(ref: ActorRef<never>): Monitor;
  demonitor(monitor: Monitor): void;
  /** Delivers `message` to this actor after `delayMs`, past the bounds of its mailbox. */
  sendAfter(delayMs: number, message: Message): ActorTimer;
  /** Delivers `message` every `periodMs` (at least 1), without drift, one at a time when it falls behind. */
  sendEvery(periodMs: number, message: Message): ActorTimer;
  /** Delivers the message made from a promise's outcome, past the bounds of its mailbox. */
  pipe<Value>(promise: PromiseLike<Value>, done: (value: Value) => Message, failed: (error: unknown) => Message): void;
  /** Sends a `receive-timeout` signal whenever no message came for `idleMs`; `null` turns it off. */
  setReceiveTimeout(idleMs: number | null): void;
  /** Like `ref.ask`, and refuses at once what would wait for itself: a circle of actors that ask each other. */
  call<M, Reply>(ref: ActorRef<M>, build: (replyTo: ReplyTo<Reply>) => M, options?: AskOptions): Promise<Reply>;
  /** Puts a message aside. @throws StashError when as many are aside as the mailbox may hold. */
  stash(message: Message): void;
  /** Puts the messages that are aside back, before those that wait, in their old order. Returns how many. */
  unstashAll(): number;
  /** Frees what an idle actor does not need: the ring of its mailbox. */
  hibernate(): void;
}
