/** Bytes of one message; bigger things go through a flow or are a blob. */
export const maxBodyBytes = 1_000_000;

/** A message as its handler sees it. */
export interface Message {
  /** The subject it was published on. */
  readonly subject: string;
  /** Shared by all receivers: do not change it. */
  readonly body: Uint8Array;
  /** Answers the requester; absent when nobody asked. Only the first answer counts. @throws EngineError `too-large` */
  readonly respond?: (body: Uint8Array) => void;
}

/** Handles one message; the next one waits until it has ended. */
export type MessageHandler = (message: Message) => void | Promise<void>;

export interface SubscribeOptions {
  /** Members of one group share the messages: each goes to one of them. @default every subscriber gets each message */
  readonly queue?: string;
  /** Messages that may wait for the handler; those beyond are dropped and counted. @default 1024 */
  readonly maxPending?: number;
  /** Told what the handler threw. A requester is told as well. @default counted only */
  readonly onError?: (error: unknown, message: Message) => void;
  /** Ends the subscription. */
  readonly signal?: AbortSignal;
}

/** A running subscription with its counts. */
export interface Subscription {
  readonly pending: number;
  readonly delivered: number;
  /** Messages that found the queue full. */
  readonly dropped: number;
  /** Messages whose handler threw. */
  readonly failed: number;
  /** No message is handled after this; what waits is discarded. */
  close(): void;
}

export interface RequestOptions {
  /** How long one attempt may take. */
  readonly timeoutMs: number;
  /** `idempotent`: try up to three times, because doing it twice does no harm. */
  readonly retry: "idempotent" | "no";
  readonly signal?: AbortSignal;
}

export interface OpenFlowOptions {
  /** How long to wait for a receiver, and for its credit. @default 30_000 */
  readonly stallMs?: number;
  readonly signal?: AbortSignal;
}

/** The sending end: a write waits until the receiver has granted room for it. */
export interface FlowSender {
  /** @throws EngineError `unavailable` when the receiver is gone, or grants nothing for `stallMs` */
  write(bytes: Uint8Array): Promise<void>;
  /** Says that everything was sent, and waits until it was taken. @throws as {@link write} */
  end(): Promise<void>;
  /** Gives up; the receiver fails with the reason. */
  abort(reason: string): void;
}

/** The receiving end: iterating takes bytes and grants room for more; leaving the loop tells the sender to stop. */
export interface FlowReceiver extends AsyncIterable<Uint8Array> {
  /** The subject that the sender opened. */
  readonly subject: string;
}

export interface AcceptFlowOptions {
  /** Bytes that may be on their way or waiting. Raising it costs that memory for each flow. @default 1 MiB */
  readonly windowBytes?: number;
  /** A sender that is silent for so long is gone. @default 15_000 */
  readonly silenceMs?: number;
  readonly queue?: string;
  readonly signal?: AbortSignal;
}

/**
 * Messages between parts, at most once, unordered across subjects. Subjects are tokens of `[A-Za-z0-9_-]` joined
 * with `.`; a subscription may use `*` for one token and a last `>` for one or more.
 */
export interface Bus {
  /**
   * Sends to whoever subscribes now.
   * @throws EngineError `bad-key`, `too-large`, `closed`
   */
  publish(subject: string, body: Uint8Array): void;

  /** @throws EngineError `bad-key`, `closed`; RangeError for an impossible bound */
  subscribe(subject: string, handler: MessageHandler, options?: SubscribeOptions): Subscription;

  /**
   * Sends to one subscriber (or several; the first answer counts) and waits for the answer.
   * @throws EngineError `unavailable` (nobody took it), `unknown` (taken, but no answer in time, or its handler
   * failed), `bad-key`, `too-large`, `closed`
   */
  request(subject: string, body: Uint8Array, options: RequestOptions): Promise<Uint8Array>;

  /** Opens a stream of bytes to whoever accepts flows on the subject. @throws EngineError `unavailable`, `bad-key`, `closed` */
  openFlow(subject: string, options?: OpenFlowOptions): Promise<FlowSender>;

  /** Takes flows that are opened on the subject. @throws EngineError `bad-key`, `closed` */
  acceptFlows(
    subject: string,
    accept: (flow: FlowReceiver) => void | Promise<void>,
    options?: AcceptFlowOptions,
  ): Subscription;
}

/** A bus together with what only its owner may do. */
export interface OwnedBus extends Bus {
  close(): Promise<void>;
}
