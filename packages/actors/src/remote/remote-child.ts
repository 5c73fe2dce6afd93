import { actor } from "../actor/actor.ts";
import type { ActorRef } from "../vocabulary/actor-ref.ts";
import { type Behavior } from "../vocabulary/behavior.ts";
import type { Context } from "../actor/context.ts";
import { exit, type ExitReason } from "../vocabulary/exit-reason.ts";
import type { Connection } from "./connection.ts";

/** Where the actor of a `remoteChild` is spawned. */
export interface RemotePlace {
  /** The connection to spawn over; asked at each start, so it can be a new one after a loss. */
  readonly connection: (signal: AbortSignal) => Connection | Promise<Connection>;
  /** The name under which the other end lists the behaviour as spawnable. */
  readonly behavior: string;
}

/** An actor elsewhere has ended. */
export class RemoteExitError extends Error {
  override readonly name = "RemoteExitError";
  readonly reason: ExitReason;

  constructor(address: string, reason: ExitReason) {
    super(`${address} ended with ${reason.kind}`, { cause: reason.kind === "error" ? reason.error : undefined });
    this.reason = reason;
  }
}

/**
 * A child for a supervisor here whose work is done by an actor elsewhere: messages are passed on, both end together,
 * and a restart spawns a new actor there.
 */
export function remoteChild<Message, Args = void>(place: RemotePlace): Behavior<Message, Args> {
  return actor({
    kind: `remote ${place.behavior}`,
    async onStart(args: Args, context: Context<Message>) {
      const connection = await place.connection(context.signal);
      const ref: ActorRef<Message> = await connection.spawn<Message>(place.behavior, args);
      context.monitor(ref);
      const state = { ref, isGone: false };
      // Not in onStop: a killed one takes its actor along, too.
      context.system.watch(context.self, (reason) => {
        if (!state.isGone) context.exit(ref, reason.kind === "normal" ? exit.shutdown : reason);
      });
      return state;
    },
    receive: ({ ref }, message: Message) => void ref.send(message),
    onSignal(state, signal, context) {
      if (signal.kind !== "down") return;
      state.isGone = true;
      if (signal.reason.kind === "normal" || signal.reason.kind === "shutdown") context.stop(signal.reason);
      else throw new RemoteExitError(signal.ref.address, signal.reason);
    },
  });
}
