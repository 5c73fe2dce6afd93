import { asError } from "../vocabulary/as-error.ts";
import type { AnyRef, ForeignRef } from "../cell/cell.ts";
import type { ActorRef, SendOutcome } from "../vocabulary/actor-ref.ts";
import { AskError } from "../vocabulary/ask-error.ts";
import { defaultAskTimeoutMs, PendingAsk } from "../ask/pending-ask.ts";
import type { Behavior } from "../vocabulary/behavior.ts";
import type { ActorSystem } from "../system/system.ts";
import { Credit } from "./credit.ts";
import { formatTraceparent } from "../telemetry/tracing.ts";
import { Forwarders } from "./forwarders.ts";
import type { Line } from "./line.ts";
import { Outbox } from "./outbox.ts";
import { wireVersion, type Packet } from "./packet.ts";
import { Receiver } from "./receiver.ts";
import { RemoteRef } from "./remote-ref.ts";
import { Ties } from "./ties.ts";
import { repliesIn, toWire, type Marker } from "./wire-values.ts";
import { tellToStop } from "../life/stopping.ts";
import { exit } from "../vocabulary/exit-reason.ts";
import { errorToWire } from "./reasons.ts";
import { SerializationError, type Transport } from "./transport.ts";

export interface ConnectOptions {
  /** Behaviours that the other end may spawn here, by name. @default none */
  readonly spawnable: Readonly<Record<string, Behavior<never, never>>>;
  /** Both ends must say the same. @default "" */
  readonly token: string;
  /** Messages that may be under way; one more is rejected. @default 65_536 */
  readonly inFlight: number;
}

/** Why a connection ended. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionLostError";
}

/**
 * One end of a connection between two systems. Refs that arrive here work as local ones do; when the connection is
 * lost, monitors and links fire with `noconnection`, and open asks reject.
 */
export class Connection implements Line {
  readonly system: ActorSystem;
  /** Resolves with the name of the other system when it has said hello. */
  readonly ready: Promise<string>;
  /** Resolves when the connection has ended: with null when it was closed here, else with the cause. */
  readonly closed: Promise<Error | null>;
  /** @internal */
  readonly ties: Ties;
  readonly #transport: Transport;
  readonly #outbox: Outbox;
  readonly #credit: Credit;
  readonly #receiver: Receiver;
  readonly #refs = new Map<number, WeakRef<RemoteRef>>();
  readonly #replies = new Map<number, PendingAsk>();
  /** What is done with the answers to requests whose time is over. */
  readonly #givenUp = new Map<number, (value: unknown) => void>();
  readonly #forwarders: Forwarders;
  #serial = 0;
  #isOpen = true;
  #settleClosed: (error: Error | null) => void = () => {};
  #peer = "remote";

  constructor(system: ActorSystem, transport: Transport, options: ConnectOptions) {
    this.system = system;
    this.#transport = transport;
    this.closed = new Promise((resolve) => (this.#settleClosed = resolve));
    this.#credit = new Credit(options.inFlight);
    this.#outbox = new Outbox(system.host, transport, (packet, error) => this.#undeliverable(packet, error));
    this.ties = new Ties((packet) => this.post(packet));
    this.#forwarders = new Forwarders(system);
    this.#receiver = new Receiver(this, options);
    let greeted: (name: string) => void = () => {};
    this.ready = new Promise<string>((resolve, reject) => {
      greeted = resolve;
      void this.closed.then((error) =>
        reject(error ?? new ConnectionLostError("Closed before the other end said hello")),
      );
    });
    // Who never waits for it must not be told by an unhandled rejection.
    this.ready.catch(() => {});
    transport.open({
      packets: (packets) => {
        // What was on its way when the connection ended.
        if (!this.#isOpen) return;
        try {
          for (const packet of packets)
            if (packet.kind === "hello") greeted((this.#peer = this.#receiver.greet(packet)));
            else this.#receiver.receive(packet);
          this.#receiver.acknowledge();
        } catch (error) {
          this.#end(asError(error));
        }
      },
      closed: (error) =>
        this.#end(error ?? new ConnectionLostError(`The other end of ${this.#peer} closed the connection`)),
    });
    this.post({ kind: "hello", version: wireVersion, name: system.name, token: options.token });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The name that the other system gave itself. */
  get peer(): string {
    return this.#peer;
  }

  /** A ref to whoever holds `name` in the other system. */
  async whereIs<Message = never>(name: string, timeoutMs?: number): Promise<ActorRef<Message> | undefined> {
    const found = await this.#request((n) => ({ kind: "where-is", n, name }), `${this.#peer}/${name}`, timeoutMs);
    return found === null ? undefined : (found as ActorRef<unknown>);
  }

  /**
   * Spawns in the other system a behaviour that it lists as spawnable, and waits until it has started.
   * @throws RemoteError when it does not start; AskError when there is no answer.
   */
  async spawn<Message = never>(
    behavior: string,
    args?: unknown,
    options: { readonly name?: string; readonly timeoutMs?: number } = {},
  ): Promise<ActorRef<Message>> {
    const name = options.name ?? null;
    const written = toWire(args, this);
    const ref = await this.#request(
      (n) => ({ kind: "spawn", n, behavior, args: written, name }),
      `${this.#peer}/${behavior}`,
      options.timeoutMs,
      // Nobody here would ever hear of it.
      (late) => tellToStop(late as ActorRef<never>, exit.shutdown),
    );
    return ref as ActorRef<unknown>;
  }

  /** Ends the connection; what was sent before is still flushed. */
  close(): void {
    if (!this.#isOpen) return;
    this.#outbox.flush();
    this.#end(null);
  }

  /** @internal */
  post(packet: Packet): void {
    if (this.#isOpen) this.#outbox.add(packet);
  }

  /** @internal @throws SerializationError when what the packet carries cannot travel */
  postChecked(packet: Packet & { kind: "reply" | "spawn" }): void {
    if (this.#isOpen) this.#outbox.addChecked(packet);
  }

  /** @internal */
  sendTo(ref: ForeignRef, message: unknown): SendOutcome {
    if (!this.#isOpen) {
      this.system.deadLetters.add(ref, message, "undeliverable");
      return "dead";
    }
    if (!this.#credit.spend()) {
      this.system.deadLetters.add(ref, message, "rejected");
      return "rejected";
    }
    try {
      const { current } = this.system.tracing;
      const trace = current === null ? undefined : formatTraceparent(current);
      this.#outbox.addMessage(ref.id, toWire(message, this), trace);
    } catch (error) {
      this.#credit.repay(1);
      this.system.deadLetters.add(ref, message, "undeliverable");
      throw error;
    }
    return "queued";
  }

  /** @internal Waits until one more message may be under way. */
  room(signal: AbortSignal | undefined): Promise<void> {
    return this.#isOpen ? this.#credit.room(signal) : Promise.resolve();
  }

  /** @internal */
  repay(count: number): void {
    this.#credit.repay(count);
  }

  /** @internal The answer to number `n`. */
  answered(n: number, value: unknown): void {
    const pending = this.#replies.get(n);
    if (pending === undefined) {
      this.system.counters.lateReplies += 1;
      this.#givenUp.get(n)?.(value);
    } else pending.send(value);
    this.#givenUp.delete(n);
  }

  /** @internal */
  failed(n: number, error: unknown): void {
    const pending = this.#replies.get(n);
    if (pending === undefined) this.system.counters.lateReplies += 1;
    else pending.fail(error);
    this.#givenUp.delete(n);
  }

  writeRef(ref: ActorRef<never>): Marker {
    const { local, foreign } = ref as AnyRef;
    if (foreign instanceof RemoteRef && foreign.line === this) return { $constellation: "yours", id: foreign.id };
    if (local !== null && local.system === this.system)
      return { $constellation: "actor", id: local.id, address: local.address };
    const through = this.#forwarders.standIn(foreign ?? (ref as AnyRef));
    return { $constellation: "actor", id: through.id, address: ref.address };
  }

  writeReply(reply: PendingAsk): Marker {
    return { $constellation: "reply", n: this.#expect(reply) };
  }

  readRef(id: number, address: string): RemoteRef {
    const known = this.#refs.get(id)?.deref();
    if (known !== undefined) return known;
    const ref = new RemoteRef(this, id, address);
    this.#refs.set(id, new WeakRef(ref));
    if (this.#refs.size % 1024 === 0)
      for (const [key, weak] of this.#refs) if (weak.deref() === undefined) this.#refs.delete(key);
    return ref;
  }

  readOwn(id: number): ActorRef<never> {
    return this.system.find(id) ?? this.#receiver.gone(id);
  }

  readReply(n: number): PendingAsk {
    return this.#receiver.replyTo(n);
  }

  /** @param late What is done with an answer that comes when nobody waits for it any more. */
  #request(
    packet: (n: number) => Packet,
    address: string,
    timeoutMs = defaultAskTimeoutMs,
    late?: (value: unknown) => void,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const pending = new PendingAsk(this.system, { address }, resolve, reject, timeoutMs);
      if (!this.#isOpen) {
        pending.fail(new AskError("disconnected", `Cannot ask ${address}: the connection has ended`));
        return;
      }
      try {
        const n = this.#expect(pending);
        const request = packet(n);
        if (request.kind === "spawn") this.postChecked(request);
        else this.post(request);
        if (late !== undefined) pending.whenClosed(() => this.#givenUp.set(n, late));
      } catch (error) {
        pending.fail(error);
        return;
      }
      pending.await(null, undefined);
    });
  }

  /** The transport found out too late for its sender to be told by an exception. */
  #undeliverable(packet: Packet, cause: Error): void {
    const error = new SerializationError(`Cannot send to ${this.#peer}: ${cause.message}`, { cause });
    if (packet.kind === "send")
      for (const message of packet.messages) {
        this.#credit.repay(1);
        this.system.deadLetters.add(
          this.readRef(packet.to, `${this.#peer}/actor.${packet.to}`),
          message,
          "undeliverable",
        );
        for (const n of repliesIn(message)) this.failed(n, error);
      }
    else if (packet.kind === "spawn") this.failed(packet.n, error);
    else if (packet.kind === "reply") this.post({ kind: "fail", n: packet.n, error: errorToWire(error) });
    else this.#end(error);
  }

  #expect(pending: PendingAsk): number {
    const n = (this.#serial += 1);
    this.#replies.set(n, pending);
    pending.whenClosed(() => this.#replies.delete(n));
    return n;
  }

  #end(error: Error | null): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#transport.close();
    this.#credit.close();
    const lost = `Lost the connection to ${this.#peer}${error === null ? "" : `: ${error.message}`}`;
    for (const pending of this.#replies.values()) pending.fail(new AskError("disconnected", lost));
    this.#replies.clear();
    this.#givenUp.clear();
    this.ties.lose();
    this.#forwarders.close();
    this.#receiver.close();
    this.#settleClosed(error);
  }
}

/**
 * Joins `system` with the one at the other end of `transport`.
 *
 * @example
 * const there = connect(system, transport);
 * await there.ready;
 * const counter = await there.whereIs<CounterMessage>("counter");
 */
export function connect(system: ActorSystem, transport: Transport, options: Partial<ConnectOptions> = {}): Connection {
  return new Connection(system, transport, { spawnable: {}, token: "", inFlight: 65_536, ...options });
}
