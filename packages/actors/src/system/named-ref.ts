import type { Cell, AnyRef, ForeignRef, World } from "../cell/cell.ts";
import type { AskOptions, ReplyTo, SendOutcome } from "../vocabulary/actor-ref.ts";
import { AskError } from "../vocabulary/ask-error.ts";

/**
 * A ref to whoever holds a name at the time of each use: it goes on working when a supervisor has replaced the actor,
 * as a registered name does in Erlang.
 */
export class NamedRef implements AnyRef {
  readonly name: string;
  readonly #system: World;

  constructor(system: World, name: string) {
    this.#system = system;
    this.name = name;
  }

  get local(): Cell | null {
    return this.#system.registry.cellOf(this.name);
  }

  get foreign(): ForeignRef | null {
    return null;
  }

  /** The id of the present holder, or 0. */
  get id(): number {
    return this.local?.id ?? 0;
  }

  get address(): string {
    return `${this.#system.name}/${this.name}`;
  }

  send(message: unknown): SendOutcome {
    const { local } = this;
    if (local !== null) return local.send(message);
    this.#system.deadLetters.add(this, message, "dead");
    return "dead";
  }

  async offer(message: unknown, options?: { readonly signal?: AbortSignal }): Promise<SendOutcome> {
    return this.local?.offer(message, options) ?? this.send(message);
  }

  ask<Reply>(build: (replyTo: ReplyTo<Reply>) => unknown, options?: AskOptions): Promise<Reply> {
    const { local } = this;
    if (local !== null) return local.ask(build, options);
    return Promise.reject(new AskError("dead", `Cannot ask ${this.address}: nobody holds that name`));
  }

  toString(): string {
    return this.address;
  }

  toJSON(): string {
    return this.address;
  }
}
