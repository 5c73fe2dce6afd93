import { onAbort } from "../abort.ts";
import type { Message, MessageHandler, SubscribeOptions, Subscription } from "./bus.ts";

/** A message with the way to tell its requester that the handler failed. */
export interface Delivery {
  readonly message: Message;
  readonly failed?: (error: unknown) => void;
}

const defaultMaxPending = 1024;

/** One subscription: a bounded queue in front of a handler that takes one message at a time. */
export class Subscriber implements Subscription {
  readonly queue: string | undefined;
  readonly #handler: MessageHandler;
  readonly #maxPending: number;
  readonly #onError: NonNullable<SubscribeOptions["onError"]>;
  readonly #closed: () => void;
  readonly #forget: () => void;
  #waiting: Delivery[] = [];
  #next = 0;
  #state: "idle" | "running" | "closed" = "idle";
  delivered = 0;
  dropped = 0;
  failed = 0;

  constructor(handler: MessageHandler, options: SubscribeOptions, closed: () => void) {
    this.queue = options.queue;
    this.#handler = handler;
    this.#maxPending = options.maxPending ?? defaultMaxPending;
    if (!(this.#maxPending >= 1))
      throw new RangeError(`Cannot subscribe with a queue of ${this.#maxPending} messages: give a number from 1 up`);
    this.#onError = options.onError ?? (() => undefined);
    this.#closed = closed;
    this.#forget = onAbort(options.signal, () => this.close());
    if (options.signal?.aborted === true) this.#state = "closed";
  }

  get pending(): number {
    return this.#waiting.length - this.#next;
  }

  get full(): boolean {
    return this.pending >= this.#maxPending;
  }

  /** Queues the message; false when it was dropped because the queue is full or closed. */
  offer(delivery: Delivery): boolean {
    if (this.#state === "closed") return false;
    if (this.full) {
      this.dropped += 1;
      return false;
    }
    this.#waiting.push(delivery);
    if (this.#state === "idle") {
      this.#state = "running";
      queueMicrotask(() => void this.#drain());
    }
    return true;
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#waiting = [];
    this.#next = 0;
    this.#forget();
    this.#closed();
  }

  async #drain(): Promise<void> {
    for (let delivery = this.#take(); delivery !== undefined; delivery = this.#take()) {
      try {
        const handled = this.#handler(delivery.message);
        if (handled instanceof Promise) await handled;
        this.delivered += 1;
      } catch (error) {
        this.failed += 1;
        delivery.failed?.(error);
        this.#tell(error, delivery.message);
      }
    }
    if (this.#state === "running") this.#state = "idle";
  }

  // It is counted already; that who is told fails as well must not end the subscription.
  #tell(error: unknown, message: Message): void {
    try {
      this.#onError(error, message);
    } catch {
      // Nobody is left to tell.
    }
  }

  #take(): Delivery | undefined {
    const delivery = this.#waiting[this.#next];
    if (delivery === undefined) {
      this.#waiting = [];
      this.#next = 0;
      return undefined;
    }
    this.#next += 1;
    // Shifting an array one by one is quadratic; give back what was handled in larger pieces.
    if (this.#next >= 1024) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
    return delivery;
  }
}
