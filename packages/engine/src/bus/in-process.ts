import { onAbort } from "../abort.ts";
import { type EngineClock, systemClock } from "../clock.ts";
import { copied } from "../copied.ts";
import { EngineError } from "../error.ts";
import type {
  AcceptFlowOptions,
  FlowReceiver,
  FlowSender,
  MessageHandler,
  OpenFlowOptions,
  OwnedBus,
  RequestOptions,
  SubscribeOptions,
  Subscription,
} from "./bus.ts";
import { acceptFlows } from "./flow-receiver.ts";
import { openFlow } from "./flow-sender.ts";
import { withRetries } from "./retry.ts";
import { checkMessage, checkPattern } from "./subject.ts";
import { SubjectTree } from "./subject-tree.ts";
import { type Delivery, Subscriber } from "./subscriber.ts";

/** The bus of a single machine: everybody is in this process. */
export class InProcessBus implements OwnedBus {
  readonly #clock: EngineClock;
  readonly #tree = new SubjectTree<Subscriber>();
  readonly #subscribers = new Set<Subscriber>();
  readonly #asking = new Set<(error: EngineError) => void>();
  #turn = 0;
  #closed = false;

  constructor({ clock = systemClock }: { readonly clock?: EngineClock } = {}) {
    this.#clock = clock;
  }

  publish(subject: string, body: Uint8Array): void {
    checkMessage(subject, body);
    this.#checkOpen("publish");
    const receivers = this.#receivers(subject);
    if (receivers.length === 0) return;
    const message = { subject, body: copied(body) };
    for (const receiver of receivers) receiver.offer({ message });
  }

  subscribe(pattern: string, handler: MessageHandler, options: SubscribeOptions = {}): Subscription {
    checkPattern(pattern);
    this.#checkOpen("subscribe");
    const subscriber = new Subscriber(handler, options, () => {
      this.#tree.remove(pattern, subscriber);
      this.#subscribers.delete(subscriber);
    });
    if (options.signal?.aborted !== true) {
      this.#tree.add(pattern, subscriber);
      this.#subscribers.add(subscriber);
    }
    return subscriber;
  }

  async request(subject: string, body: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    checkMessage(subject, body);
    return withRetries(options, this.#clock, () => this.#ask(subject, body, options));
  }

  openFlow(subject: string, options: OpenFlowOptions = {}): Promise<FlowSender> {
    return openFlow(this, this.#clock, subject, options);
  }

  acceptFlows(
    pattern: string,
    accept: (flow: FlowReceiver) => void | Promise<void>,
    options: AcceptFlowOptions = {},
  ): Subscription {
    return acceptFlows(this, this.#clock, pattern, accept, options);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const subscriber of this.#subscribers) subscriber.close();
    const error = new EngineError("closed", "Cannot wait for an answer: the bus was closed");
    for (const fail of this.#asking) fail(error);
  }

  #checkOpen(attempted: string): void {
    if (this.#closed) throw new EngineError("closed", `Cannot ${attempted}: the bus was closed`);
  }

  async #ask(subject: string, body: Uint8Array, { timeoutMs, signal }: RequestOptions): Promise<Uint8Array> {
    signal?.throwIfAborted();
    this.#checkOpen("send a request");
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        cancel();
        forget();
        this.#asking.delete(fail);
        end();
      };
      const fail = (error: unknown): void => settle(() => reject(error));
      const aborted = (): void => fail(signal?.reason);
      const cancel = this.#clock.after(timeoutMs, () =>
        fail(
          new EngineError(
            "unknown",
            `Cannot tell what became of the request on ${subject}: no answer in ${timeoutMs} ms`,
          ),
        ),
      );
      const forget = onAbort(signal, aborted);
      this.#asking.add(fail);
      const delivery: Delivery = {
        message: {
          subject,
          body: copied(body),
          respond(answer) {
            checkMessage(subject, answer);
            settle(() => resolve(copied(answer)));
          },
        },
        failed: (cause) =>
          fail(
            new EngineError("unknown", `Cannot tell what became of the request on ${subject}: its handler failed`, {
              cause,
            }),
          ),
      };
      const taken = this.#receivers(subject).filter((receiver) => receiver.offer(delivery));
      if (taken.length === 0) {
        fail(new EngineError("unavailable", `Cannot send the request on ${subject}: nobody takes it now; retry later`));
      }
    });
  }

  // All plain subscribers, and one of each queue group: the next in turn that has room.
  #receivers(subject: string): Subscriber[] {
    const receivers: Subscriber[] = [];
    const groups = new Map<string, Subscriber[]>();
    for (const subscriber of this.#tree.matching(subject)) {
      if (subscriber.queue === undefined) receivers.push(subscriber);
      else if (groups.get(subscriber.queue)?.push(subscriber) === undefined) groups.set(subscriber.queue, [subscriber]);
    }
    for (const members of groups.values()) receivers.push(this.#memberOf(members));
    return receivers;
  }

  #memberOf(members: readonly Subscriber[]): Subscriber {
    this.#turn = (this.#turn + 1) % 0x4000_0000;
    const start = this.#turn % members.length;
    const inTurn = [...members.slice(start), ...members.slice(0, start)];
    const member = inTurn.find(({ full }) => !full) ?? inTurn[0];
    if (member === undefined) throw new Error("a queue group has no member");
    return member;
  }
}
