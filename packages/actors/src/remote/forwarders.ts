import { actor } from "../actor/actor.ts";
import type { AnyRef } from "../cell/cell.ts";
import { EntityRef } from "../entities/entity-ref.ts";
import type { ActorSystem } from "../system/system.ts";
import type { ActorRef } from "../vocabulary/actor-ref.ts";

/**
 * Actors of ours that stand in, towards the other end, for what has no cell of its own here: an actor of a third
 * system, or an entity that may be asleep. The former's ends with it, the latter's with the connection.
 */
export class Forwarders {
  readonly #system: ActorSystem;
  readonly #forwarders = new Map<AnyRef | string, ActorRef<unknown>>();

  constructor(system: ActorSystem) {
    this.#system = system;
  }

  /** The one for `target`. */
  standIn(target: AnyRef): ActorRef<unknown> {
    const isEntity = target instanceof EntityRef;
    // Each look-up of an entity makes a ref of its own: they all have one address.
    const key = isEntity ? target.address : target;
    const known = this.#forwarders.get(key);
    if (known !== undefined) return known;
    const forwarder = this.#system.spawn(
      actor({
        kind: "forwarder",
        onStart: (_args: void, context) => {
          if (!isEntity) context.monitor(target);
        },
        receive: (_state, message: unknown) => void target.send(message),
        onSignal: (_state, signal, context) => {
          if (signal.kind === "down") context.stop(signal.reason);
        },
        onStop: () => void this.#forwarders.delete(key),
      }),
    );
    this.#forwarders.set(key, forwarder);
    return forwarder;
  }

  close(): void {
    for (const forwarder of this.#forwarders.values()) void this.#system.stop(forwarder);
  }
}
