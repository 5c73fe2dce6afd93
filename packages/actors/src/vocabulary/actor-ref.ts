/** What became of a message given to `send`. */
export type SendOutcome =
  /** It waits in the mailbox (or in the buffer of a connection). */
  | "queued"
  /** The mailbox is full and its policy is `reject` or `block`. */
  | "rejected"
  /** The mailbox is full and its policy is `drop-newest`. */
  | "dropped"
  /** The actor does not live any more. */
  | "dead";

/** Settings of one `ask`. */
export interface AskOptions {
  /** How long to wait for the reply. @default 5000 */
  readonly timeoutMs?: number;
  /** Gives up early; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Where to send the answer of an `ask`. It can travel in messages, also to other threads and processes. */
export interface ReplyTo<in Reply> {
  /** Answers. A second answer, or one after the timeout, is dropped and counted. */
  send(reply: Reply): void;
  /** Answers that it failed: the `ask` rejects with `error`. */
  fail(error: unknown): void;
}

/**
 * The address of an actor: all that others see of it. Messages from one sender to one actor arrive in the order in
 * which they were sent; nothing is promised between senders, nor between messages and signals.
 */
export interface ActorRef<in Message> {
  /** Slot and generation in one number, unique in its system. */
  readonly id: number;
  /** Readable address, such as `local/counter.12`. */
  readonly address: string;
  /** Puts `message` into the mailbox without waiting. */
  send(message: Message): SendOutcome;
  /** Like `send`, but waits for room when the policy of the mailbox is `block`. */
  offer(message: Message, options?: { readonly signal?: AbortSignal }): Promise<SendOutcome>;
  /**
   * Sends the message that `build` makes and waits for the answer to its `replyTo`.
   * @throws AskError with code `timeout`, `dead`, `rejected` or `cycle`; whatever was given to `fail`.
   * @example
   * const total = await cart.ask<number>((replyTo) => ({ type: "total", replyTo }), { timeoutMs: 500 });
   */
  ask<Reply>(build: (replyTo: ReplyTo<Reply>) => Message, options?: AskOptions): Promise<Reply>;
  /** The address. */
  toString(): string;
}
