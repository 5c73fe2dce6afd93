import { actor, type ActorSystem, ignore } from "@constellation/actors";
import { instanceName, type LifecycleEvent } from "@constellation/instances";
import { Keeper } from "./keeper.ts";
import type { KeeperArgs } from "./keeper-args.ts";
import type { AgentParts } from "./parts.ts";

/** What the actor of an instance takes. */
export type InstanceMessage =
  /** Its allocation may have changed. */
  | { readonly type: "follow" }
  /** It could not be followed. */
  | { readonly type: "retry" }
  /** Something happened to its run. */
  | { readonly type: "life"; readonly event: LifecycleEvent }
  /** Its run must be replaced by a new one. */
  | { readonly type: "recycle" }
  /** The daemon ends and takes its instances along. */
  | { readonly type: "end" }
  /** It does not end after all. */
  | { readonly type: "go-on" };

interface State {
  readonly instance: KeeperArgs;
  readonly keeper: Keeper;
  ending: boolean;
  /** Another try is set. */
  retries: boolean;
}

/** Name of an instance's actor in the registry. */
export const actorNameOf = (instance: KeeperArgs): string => `instance.${instanceName(instance)}`;

/** How long a keeper that could not write waits before it tries again. */
const retryMs = 500;

/**
 * One actor for each allocation of this node. When it crashes its replacement adopts the run: the instance notices nothing.
 *
 * @param allocatedAnew told of an instance that got another allocation while the end of the one before was being written
 */
export function instanceActor(parts: AgentParts, allocatedAnew: (instance: KeeperArgs) => void) {
  return actor<InstanceMessage, State, KeeperArgs>({
    kind: "instance",
    onStart: (args, { self, system }) => {
      if (parts.repository.mirror.allocations.get(args.app)?.get(args.index) === undefined) return ignore;
      // The sweep may have been faster than the restart of one that crashed.
      if (system.registry.whereIs(actorNameOf(args)) !== undefined) return ignore;
      system.registry.register(actorNameOf(args), self);
      const keeper = new Keeper(args, parts, (event) => void self.send({ type: "life", event }));
      keeper.begin();
      self.send({ type: "follow" });
      return { instance: args, keeper, ending: false, retries: false };
    },
    async receive(state, message, context) {
      if (message.type === "life") state.keeper.take(message.event);
      if (message.type === "retry") state.retries = false;
      if (message.type === "recycle") state.keeper.recycle();
      if (message.type === "end") state.ending = true;
      if (message.type === "go-on") state.ending = false;
      if (state.ending) return state.keeper.end();
      try {
        if (!(await state.keeper.follow())) return;
        retire(state.instance, context.system);
        context.stop();
      } catch (error) {
        parts.report("an instance could not follow its allocation", error);
        // One for all that come meanwhile: each would bring its own, and together they stood before what happens to the run.
        if (!state.retries) context.sendAfter(retryMs, { type: "retry" });
        state.retries = true;
      }
    },
    onStop: ({ keeper }) => keeper.letGo(),
  });

  /** Nobody finds it any more from here on: whoever comes next under its name gets an actor of its own. */
  function retire(instance: KeeperArgs, { registry }: ActorSystem): void {
    registry.unregister(actorNameOf(instance));
    if (parts.repository.mirror.allocations.get(instance.app)?.has(instance.index) === true) allocatedAnew(instance);
  }
}
