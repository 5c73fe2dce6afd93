import type { Cell, AnyRef, ForeignRef } from "../cell/cell.ts";
import type { ActorRef, AskOptions, ReplyTo, SendOutcome } from "../vocabulary/actor-ref.ts";
import { defaultAskTimeoutMs, PendingAsk } from "../ask/pending-ask.ts";
import { AskError } from "../vocabulary/ask-error.ts";
import type { ExitReason } from "../vocabulary/exit-reason.ts";
import { DEAD, STOPPING } from "../cell/flags.ts";
import type { ActorSystem } from "../system/system.ts";

/** One entity that is awake, or going to sleep while messages for it wait already. */
export interface Activation {
  readonly cell: Cell;
  readonly waiting: unknown[];
}

/** An entity's address: wakes it when there is a message for it. */
export class EntityRef implements AnyRef {
  readonly #system: ActorSystem;
  readonly #awake: Map<string, Activation>;
  readonly #key: string;
  readonly #kind: string;
  readonly #entityId: string;
  readonly #wake: (ended: (reason: ExitReason) => void) => ActorRef<unknown>;
  readonly #mostWaiting: number;

  constructor(
    system: ActorSystem,
    awake: Map<string, Activation>,
    { kind, id }: { readonly kind: string; readonly id: string },
    wake: (ended: (reason: ExitReason) => void) => ActorRef<unknown>,
    mostWaiting: number,
  ) {
    this.#system = system;
    this.#awake = awake;
    this.#key = JSON.stringify([kind, id]);
    this.#kind = kind;
    this.#entityId = id;
    this.#wake = wake;
    this.#mostWaiting = mostWaiting;
  }

  /** The actor, if the entity is awake. */
  get local(): Cell | null {
    return this.#awake.get(this.#key)?.cell ?? null;
  }

  get foreign(): ForeignRef | null {
    return null;
  }

  get id(): number {
    return this.local?.id ?? 0;
  }

  get address(): string {
    return `${this.#system.name}/${this.#kind}/${this.#entityId}`;
  }

  send(message: unknown): SendOutcome {
    const activation = this.#awake.get(this.#key) ?? this.#activate();
    if (activation === null) return this.#lose(message);
    if (!isEnding(activation.cell)) return activation.cell.send(message);
    // When it wakes up they all must have room in its mailbox.
    if (activation.waiting.length >= Math.min(this.#mostWaiting, activation.cell.capacity)) {
      this.#system.deadLetters.add(this, message, "rejected");
      return "rejected";
    }
    activation.waiting.push(message);
    return "queued";
  }

  async offer(message: unknown, options?: { readonly signal?: AbortSignal }): Promise<SendOutcome> {
    const activation = this.#awake.get(this.#key) ?? this.#activate();
    if (activation === null || isEnding(activation.cell)) return this.send(message);
    return activation.cell.offer(message, options);
  }

  ask<Reply>(build: (replyTo: ReplyTo<Reply>) => unknown, options?: AskOptions): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      const timeoutMs = options?.timeoutMs ?? defaultAskTimeoutMs;
      const pending = new PendingAsk(this.#system, this, resolve as (reply: unknown) => void, reject, timeoutMs);
      const outcome = this.send(build(pending));
      const cell = this.local;
      if (outcome === "queued") pending.await(cell !== null && !isEnding(cell) ? cell : null, options?.signal);
      else
        pending.fail(new AskError(outcome === "dead" ? "dead" : "rejected", `Cannot ask ${this.address}: ${outcome}`));
    });
  }

  toString(): string {
    return this.address;
  }

  toJSON(): string {
    return this.address;
  }

  /** Null when the system is ending: nothing wakes up in it any more. */
  #activate(waiting: readonly unknown[] = []): Activation | null {
    if (isEnding(this.#system.root)) {
      for (const message of waiting) this.#lose(message);
      return null;
    }
    const cell = (this.#wake(() => this.#ended(activation)) as AnyRef).local as Cell;
    const activation: Activation = { cell, waiting: [] };
    this.#awake.set(this.#key, activation);
    for (const message of waiting) cell.send(message);
    return activation;
  }

  #lose(message: unknown): SendOutcome {
    this.#system.deadLetters.add(this, message, "dead");
    return "dead";
  }

  /** Asleep again, or crashed: messages that came meanwhile wake it up. */
  #ended(activation: Activation): void {
    this.#awake.delete(this.#key);
    if (activation.waiting.length > 0) this.#activate(activation.waiting);
  }
}

function isEnding(cell: Cell): boolean {
  return (cell.flags & (STOPPING | DEAD)) !== 0;
}
