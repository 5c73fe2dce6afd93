import type { ActorRef } from "./actor-ref.ts";
import type { Behavior } from "./behavior.ts";
import type { MailboxOptions } from "./mailbox-options.ts";

/** Settings of one `spawn`. */
export interface SpawnOptions<Message, Args> {
  /** Given to `onStart`. */
  readonly args?: Args;
  /** Unique name in the system's registry. */
  readonly name?: string;
  /** Overrides the mailbox of the behaviour. */
  readonly mailbox?: MailboxOptions<Message>;
  /** Link the actor with its parent. @default false */
  readonly link?: boolean;
}

/** Starts an actor; `args` must be given when its behaviour wants them. @throws NameTakenError */
export interface Spawn {
  <Message>(behavior: Behavior<Message>, options?: SpawnOptions<Message, void>): ActorRef<Message>;
  <Message, Args>(
    behavior: Behavior<Message, Args>,
    options: SpawnOptions<Message, Args> & { readonly args: Args },
  ): ActorRef<Message>;
}
