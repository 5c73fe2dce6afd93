import { actor, type Context } from "@constellation/actors";
import type { LifecycleEvent } from "./event.ts";
import { Instance, type InstanceOptions } from "./instance.ts";

/** Where an instance is found from outside its actor: to look at it, to run something in it. Survives the actor's restarts. */
export interface InstanceSlot {
  instance: Instance | null;
}

/** What an instance actor is started with. */
export interface InstanceArgs {
  readonly options: Omit<InstanceOptions, "post">;
  readonly slot: InstanceSlot;
  /** Handled first: `recover` for a run that was found, then `start`. */
  readonly begin: readonly LifecycleEvent[];
}

/**
 * An instance as an actor: its mailbox puts all events in one line. Told to end, it lets its run go on (`detach`); send
 * `stop` before when the run shall end too. When a fault of ours ends it, its replacement takes the same run over.
 */
export const instanceActor = actor<LifecycleEvent, Instance, InstanceArgs>({
  kind: "instance",
  onStart: ({ options, slot, begin }, context) => open(options, slot, begin, context),
  onRestart: ({ options, slot, begin }, _reason, context) => {
    const before = slot.instance;
    if (before === null) return open(options, slot, begin, context);
    const memory = before.memory();
    before.handle({ type: "detach" });
    return open({ ...options, spec: before.spec }, slot, memory, context);
  },
  receive(instance, event) {
    instance.handle(event);
  },
  onStop(instance) {
    instance.handle({ type: "detach" });
  },
});

function open(
  options: InstanceArgs["options"],
  slot: InstanceSlot,
  begin: readonly LifecycleEvent[],
  context: Context<LifecycleEvent>,
): Instance {
  const instance = new Instance({
    ...options,
    // Its own events are few, and none may be lost to a flood of others: a full mailbox is passed by.
    post: (event) => context.self.send(event) === "rejected" && context.sendAfter(0, event),
  });
  slot.instance = instance;
  for (const event of begin) instance.handle(event);
  return instance;
}
