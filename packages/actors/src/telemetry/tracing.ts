import type { ActorRef } from "../vocabulary/actor-ref.ts";
import { tell, type Host } from "../host.ts";

/** A place in a trace, as in W3C Trace Context: hexadecimal, 32 digits for the trace and 16 for the span. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  /** The span that sent the message; null for the first one of a trace. */
  readonly parentSpanId: string | null;
}

/** A message together with its place in a trace. */
export class Envelope {
  readonly message: unknown;
  readonly trace: TraceContext;
  readonly sentMs: number;

  constructor(message: unknown, trace: TraceContext, sentMs: number) {
    this.message = message;
    this.trace = trace;
    this.sentMs = sentMs;
  }
}

/** One message handled by one actor. */
export interface Span extends TraceContext {
  readonly ref: ActorRef<never>;
  readonly message: unknown;
  /** How long the message waited in the mailbox. */
  readonly waitedMs: number;
}

/** The `traceparent` header for a context (W3C Trace Context, section 3.2). */
export function formatTraceparent(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.spanId}-01`;
}

/** Reads a `traceparent` header; null when it is not one. */
export function parseTraceparent(text: string): TraceContext | null {
  const found = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(text);
  const [, traceId, spanId] = found ?? [];
  if (traceId === undefined || spanId === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, parentSpanId: null };
}

/**
 * Follows messages from actor to actor. Off, it costs nothing: only actors that were spawned while it was on carry
 * envelopes. What a handler sends before its first `await` continues the trace of its message.
 */
export class Tracing {
  readonly #host: Host;
  readonly #listener: ((span: Span) => void) | null;
  #current: TraceContext | null = null;

  constructor(host: Host, listener: ((span: Span) => void) | null) {
    this.#host = host;
    this.#listener = listener;
  }

  get isOn(): boolean {
    return this.#listener !== null;
  }

  /** Where the running handler is in its trace; null outside of one. */
  get current(): TraceContext | null {
    return this.#current;
  }

  /** Runs `task` as part of the trace `trace`, for messages that come from outside with a `traceparent`. */
  within<Result>(trace: TraceContext | null, task: () => Result): Result {
    const before = this.#current;
    this.#current = trace;
    try {
      return task();
    } finally {
      this.#current = before;
    }
  }

  /** @internal */
  envelop(message: unknown): Envelope {
    const parent = this.#current;
    return new Envelope(
      message,
      {
        traceId: parent?.traceId ?? this.#hex(32),
        spanId: this.#hex(16),
        parentSpanId: parent?.spanId ?? null,
      },
      this.#host.nowMs(),
    );
  }

  /** @internal Takes the message out and makes its trace the current one until `close`. */
  open(ref: ActorRef<never>, carried: unknown): unknown {
    if (!(carried instanceof Envelope)) return carried;
    this.#current = carried.trace;
    const waitedMs = this.#host.nowMs() - carried.sentMs;
    if (this.#listener !== null)
      tell(this.#host, this.#listener, { ...carried.trace, ref, message: carried.message, waitedMs });
    return carried.message;
  }

  /** @internal */
  close(): void {
    this.#current = null;
  }

  #hex(digits: number): string {
    let text = "";
    while (text.length < digits)
      text += Math.floor(this.#host.random() * 2 ** 32)
        .toString(16)
        .padStart(8, "0");
    return text;
  }
}

/** The message itself, whether it travels in an envelope or not. */
export function unwrap(carried: unknown): unknown {
  return carried instanceof Envelope ? carried.message : carried;
}
