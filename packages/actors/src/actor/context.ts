import type { ActorSystem } from "../system/system.ts";
import type { Abilities } from "../vocabulary/abilities.ts";

/** What an actor can do from inside its functions. Valid only while the actor lives. */
export interface Context<in out Message> extends Abilities<Message> {
  readonly system: ActorSystem;
}
