import { actor } from "../actor/actor.ts";
import type { ActorRef } from "../vocabulary/actor-ref.ts";
import { type Behavior, type Next } from "../vocabulary/behavior.ts";
import type { Context } from "../actor/context.ts";
import type { ExitReason } from "../vocabulary/exit-reason.ts";
import type { MailboxOptions } from "../vocabulary/mailbox-options.ts";
import type { ActorSystem } from "../system/system.ts";
import { isThenable } from "../life/thenable.ts";
import { EntityRef, type Activation } from "./entity-ref.ts";
import type { Snapshots } from "./snapshots.ts";

/** What an entity can do. */
export interface EntityContext<in out Message> {
  readonly id: string;
  /** What it can do as an actor. */
  readonly actor: Context<Message>;
  /** Saves the state as it is now; await it before you promise anything that must survive a crash. */
  save(): Promise<void>;
}

/** One kind of entity. */
export interface EntityDefinition<Message, State> {
  /** The state of an entity that was never saved. */
  readonly create: (id: string) => State;
  /** Handles one message. The state is saved when it passivates, and whenever `context.save()` says so. */
  readonly receive: (state: State, message: Message, context: EntityContext<Message>) => Next<State>;
  /** It is put to sleep when no message came for so long. @default 60_000 */
  readonly passivateAfterMs?: number;
  readonly mailbox?: MailboxOptions<Message>;
}

export interface EntitiesOptions {
  readonly snapshots: Snapshots;
  /** Messages that may wait for an entity that is just being put to sleep. @default 1024 */
  readonly waiting?: number;
}

interface Saved {
  state: unknown;
}

/**
 * Actors that are always there: addressed by kind and id, woken by their first message with the state that was saved,
 * put to sleep when idle. At most one of each id is awake in a system.
 *
 * @example
 * const carts = new Entities(system, { snapshots }).define("cart", { create: () => ({ items: [] }), receive });
 * carts("42").send({ type: "add", item: "book" });
 */
export class Entities {
  readonly #system: ActorSystem;
  readonly #snapshots: Snapshots;
  readonly #waiting: number;
  readonly #kinds = new Map<string, Behavior<never, string>>();
  readonly #awake = new Map<string, Activation>();

  constructor(system: ActorSystem, { snapshots, waiting = 1024 }: EntitiesOptions) {
    this.#system = system;
    this.#snapshots = snapshots;
    this.#waiting = waiting;
  }

  /** Adds a kind; returns how to address its entities. @throws TypeError when the kind is there already */
  define<Message, State>(
    kind: string,
    definition: EntityDefinition<Message, State>,
  ): (id: string) => ActorRef<Message> {
    if (this.#kinds.has(kind))
      throw new TypeError(`Cannot define entity ${JSON.stringify(kind)}: it is defined already`);
    this.#kinds.set(kind, this.#behavior(kind, definition));
    return (id) => this.entity(kind, id);
  }

  /** The entity of that kind and id, asleep or awake. @throws TypeError for a kind that is not defined */
  entity<Message = never>(kind: string, id: string): ActorRef<Message> {
    const behavior = this.#kinds.get(kind);
    if (behavior === undefined)
      throw new TypeError(
        `Cannot address entity ${JSON.stringify(kind)}: wanted one of ${[...this.#kinds.keys()].join(", ") || "none defined"}`,
      );
    const wake = (ended: (reason: ExitReason) => void): ActorRef<unknown> => {
      const ref = this.#system.spawn(behavior as Behavior<unknown, string>, { args: id });
      this.#system.watch(ref, ended);
      return ref;
    };
    return new EntityRef(this.#system, this.#awake, { kind, id }, wake, this.#waiting);
  }

  /** Entities that are awake. */
  get awake(): number {
    return this.#awake.size;
  }

  #behavior<Message, State>(kind: string, definition: EntityDefinition<Message, State>): Behavior<Message, string> {
    const { create, receive, passivateAfterMs = 60_000, mailbox } = definition;
    const snapshots = this.#snapshots;
    return actor({
      kind,
      ...(mailbox === undefined ? {} : { mailbox }),
      async onStart(id: string, context: Context<Message>) {
        const saved = await snapshots.load(kind, id);
        context.setReceiveTimeout(passivateAfterMs);
        const held: Saved = { state: saved === undefined ? create(id) : saved };
        const save = (): Promise<void> => snapshots.save(kind, id, held.state);
        return { held, entity: { id, actor: context, save }, save };
      },
      receive(own, message: Message) {
        const next = receive(own.held.state as State, message, own.entity);
        return isThenable(next) ? keepLater(own.held, next) : keep(own.held, next);
      },
      onSignal(_own, signal, context) {
        if (signal.kind === "receive-timeout") context.stop();
      },
      // A crash falls back to what was saved: the state in memory is what crashed.
      onStop: (own, reason) => (reason.kind === "error" ? undefined : own.save()),
    });
  }
}

async function keepLater(held: Saved, next: PromiseLike<unknown>): Promise<undefined> {
  return keep(held, await next);
}

function keep(held: Saved, next: unknown): undefined {
  if (next !== undefined) held.state = next;
  return undefined;
}
