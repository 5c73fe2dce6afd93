import type { AnyRef } from "../cell/cell.ts";
import type { AskOptions, ReplyTo, SendOutcome } from "../vocabulary/actor-ref.ts";
import { AskError } from "../vocabulary/ask-error.ts";
import type { ActorSystem } from "../system/system.ts";

/** A ref that came home after its actor had ended. */
export class GoneRef implements AnyRef {
  readonly id: number;
  readonly #system: ActorSystem;
  readonly local: null = null;
  readonly foreign: null = null;

  constructor(system: ActorSystem, id: number) {
    this.#system = system;
    this.id = id;
  }

  get address(): string {
    return `${this.#system.name}/ended.${this.id}`;
  }

  send(message: unknown): SendOutcome {
    this.#system.deadLetters.add(this, message, "dead");
    return "dead";
  }

  offer(message: unknown): Promise<SendOutcome> {
    return Promise.resolve(this.send(message));
  }

  ask<Reply>(_build: (replyTo: ReplyTo<Reply>) => unknown, _options?: AskOptions): Promise<Reply> {
    return Promise.reject(new AskError("dead", `Cannot ask ${this.address}: it has ended`));
  }

  toString(): string {
    return this.address;
  }

  toJSON(): string {
    return this.address;
  }
}
