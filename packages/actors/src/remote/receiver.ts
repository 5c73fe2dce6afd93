import { type Script, type Cell, extrasOf, type AnyRef, type Watch } from "../cell/cell.ts";
import type { ActorRef } from "../vocabulary/actor-ref.ts";
import { AskError } from "../vocabulary/ask-error.ts";
import { PendingAsk } from "../ask/pending-ask.ts";
import { exit } from "../vocabulary/exit-reason.ts";
import { parseTraceparent } from "../telemetry/tracing.ts";
import { watch } from "../life/monitors.ts";
import type { Behavior } from "../vocabulary/behavior.ts";
import { tellToStop } from "../life/stopping.ts";
import { GoneRef } from "./gone-ref.ts";
import type { Line } from "./line.ts";
import { wireVersion, type Packet } from "./packet.ts";
import { errorToWire, reasonFromWire, reasonToWire, RemoteError } from "./reasons.ts";
import { SerializationError } from "./transport.ts";
import { fromWire, toWire } from "./wire-values.ts";

/** What the receiver need know of a connection's options. */
export interface ReceiverOptions {
  readonly spawnable: Readonly<Record<string, Behavior<never, never>>>;
  readonly token: string;
}

/** Does what the packets from the other end say. */
export class Receiver {
  readonly #line: Line;
  readonly #options: ReceiverOptions;
  /** Monitors that actors at the other end hold on ours, by the other end's numbers. */
  readonly #watches = new Map<number, Watch>();
  /** Reply addresses in the message that is being read. */
  #replies: PendingAsk[] = [];
  #taken = 0;
  #isGreeted = false;

  constructor(line: Line, options: ReceiverOptions) {
    this.#line = line;
    this.#options = options;
  }

  /** Checks a hello and returns the other system's name. @throws Error when the two ends do not fit */
  greet({ version, name, token }: Packet & { kind: "hello" }): string {
    if (version !== wireVersion)
      throw new Error(`Cannot talk to ${name}: it speaks wire version ${version}, this system ${wireVersion}`);
    if (token !== this.#options.token) throw new Error(`Cannot talk to ${name}: it showed another token`);
    this.#isGreeted = true;
    return name;
  }

  /** @throws Error when the other end has not said hello, and so has not shown its token */
  receive(packet: Exclude<Packet, { kind: "hello" }>): void {
    if (!this.#isGreeted)
      throw new Error(`Cannot take a ${packet.kind} packet: wanted a hello first, with the token of this system`);
    const line = this.#line;
    switch (packet.kind) {
      case "send":
        this.#taken += packet.messages.length;
        this.#deliverAll(packet);
        return;
      case "reply":
        line.answered(packet.n, fromWire(packet.value, line));
        return;
      case "fail":
        line.failed(packet.n, failure(packet));
        return;
      case "monitor":
        this.#watch(packet.n, packet.to);
        return;
      case "demonitor":
        this.#watches.get(packet.n)?.cancel();
        this.#watches.delete(packet.n);
        return;
      case "down":
        line.ties.down(packet.n, reasonFromWire(packet.reason));
        return;
      case "link":
        this.#link(packet.from, packet.to);
        return;
      case "unlink":
        this.#unlink(packet.from, packet.to);
        return;
      case "exit":
        this.#linkedExit(packet);
        return;
      case "stop": {
        const cell = this.#cell(packet.to);
        if (cell !== null) tellToStop(cell, reasonFromWire(packet.reason));
        return;
      }
      case "where-is":
        this.#answer(packet.n, line.system.registry.whereIs(packet.name) ?? null);
        return;
      case "spawn":
        void this.#spawn(packet);
        return;
      case "taken":
        line.repay(packet.count);
    }
  }

  /** Tells the other end how many messages were taken since the last time. */
  acknowledge(): void {
    if (this.#taken === 0) return;
    this.#line.post({ kind: "taken", count: this.#taken });
    this.#taken = 0;
  }

  /** An address for answers to the other end's number `n`. */
  replyTo(n: number): PendingAsk {
    const line = this.#line;
    const pending = new PendingAsk(
      line.system,
      { address: `${line.peer} ask ${n}` },
      (value) => this.#answer(n, value),
      (error) => this.#refuse(n, error),
      Infinity,
    );
    this.#replies.push(pending);
    return pending;
  }

  /** A ref to one of our actors that has ended. */
  gone(id: number): ActorRef<never> {
    return new GoneRef(this.#line.system, id);
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.cancel();
    this.#watches.clear();
  }

  #deliverAll({ to, messages, trace }: Packet & { kind: "send" }): void {
    const deliver = (): void => {
      for (const message of messages) this.#deliver(to, message);
    };
    const context = trace === undefined ? null : parseTraceparent(trace);
    if (context === null) deliver();
    else this.#line.system.tracing.within(context, deliver);
  }

  #deliver(to: number, written: unknown): void {
    const line = this.#line;
    if (this.#replies.length > 0) this.#replies = [];
    const message = fromWire(written, line);
    const replies = this.#replies;
    const cell = this.#cell(to);
    const ref: ActorRef<unknown> = cell ?? new GoneRef(line.system, to);
    const outcome = ref.send(message);
    for (const reply of replies)
      if (outcome === "queued") reply.await(cell, undefined);
      else reply.fail(new AskError(outcome === "dead" ? "dead" : "rejected", `Cannot ask ${ref.address}: ${outcome}`));
  }

  #watch(n: number, to: number): void {
    const cell = this.#cell(to);
    if (cell === null) {
      this.#line.post({ kind: "down", n, reason: exit.noproc });
      return;
    }
    const monitor = watch(cell, (reason) => {
      this.#watches.delete(n);
      this.#line.post({ kind: "down", n, reason: reasonToWire(reason) });
    });
    this.#watches.set(n, monitor);
  }

  #link(from: number, to: number): void {
    const cell = this.#cell(to);
    if (cell === null) {
      this.#line.post({ kind: "exit", from: to, to: from, reason: exit.noproc });
      return;
    }
    const ref = this.#line.readRef(from, `${this.#line.peer}/actor.${from}`);
    (extrasOf(cell).links ??= new Set()).add(ref);
    this.#line.ties.keepLink(ref, cell);
  }

  #unlink(from: number, to: number): void {
    const cell = this.#cell(to);
    if (cell === null) return;
    const ref = this.#line.readRef(from, `${this.#line.peer}/actor.${from}`);
    cell.extras?.links?.delete(ref);
    this.#line.ties.dropLink(ref, cell);
  }

  #linkedExit({ from, to, reason }: Packet & { kind: "exit" }): void {
    const cell = this.#cell(to);
    if (cell === null) return;
    const ref = this.#line.readRef(from, `${this.#line.peer}/actor.${from}`);
    this.#line.ties.dropLink(ref, cell);
    cell.linkedExit(ref, reasonFromWire(reason));
  }

  async #spawn({ n, behavior, args, name }: Packet & { kind: "spawn" }): Promise<void> {
    const { system } = this.#line;
    try {
      const script = Object.hasOwn(this.#options.spawnable, behavior) ? this.#options.spawnable[behavior] : undefined;
      if (script === undefined)
        throw new TypeError(`Cannot spawn ${JSON.stringify(behavior)}: this system does not list it as spawnable`);
      const options = { args: fromWire(args, this.#line), ...(name === null ? {} : { name }) };
      const ref = system.spawnUnder(system.root, script as unknown as Script, options);
      await system.whenStarted(ref);
      this.#answer(n, ref);
    } catch (error) {
      this.#refuse(n, error);
    }
  }

  #answer(n: number, value: unknown): void {
    try {
      this.#line.postChecked({ kind: "reply", n, value: toWire(value, this.#line) });
    } catch (error) {
      // Both hear of it: who asked, and who answered with something that cannot travel.
      this.#refuse(n, error);
      throw error;
    }
  }

  #refuse(n: number, error: unknown): void {
    const code = error instanceof AskError ? error.code : undefined;
    this.#line.post({ kind: "fail", n, error: errorToWire(error), ...(code === undefined ? {} : { code }) });
  }

  #cell(id: number): Cell | null {
    return (this.#line.system.find(id) as AnyRef | undefined)?.local ?? null;
  }
}

const askCodes: readonly string[] = [
  "timeout",
  "dead",
  "rejected",
  "cycle",
  "disconnected",
] satisfies AskError["code"][];

function failure({ error, code }: Packet & { kind: "fail" }): Error {
  if (code !== undefined && askCodes.includes(code)) return new AskError(code as AskError["code"], error.message);
  return error.name === "SerializationError" ? new SerializationError(error.message) : new RemoteError(error);
}
