import { actor, type ActorSystem } from "@constellation/actors";
import { instanceName } from "@constellation/instances";
import type { RecordKey } from "../state/index.ts";
import { countAdopted } from "./adoption.ts";
import { noteBoot } from "./boot.ts";
import { comeInOrder } from "./in-order.ts";
import { actorNameOf, type InstanceMessage } from "./instance-actor.ts";
import type { KeeperArgs } from "./keeper-args.ts";
import type { AgentParts } from "./parts.ts";
import { settleStrays } from "./strays.ts";

/** What the agent takes. */
export type AgentMessage =
  | { readonly type: "changed"; readonly allocations: readonly KeeperArgs[] }
  | { readonly type: "sweep" }
  | { readonly type: "strays" };

const sweepMs = 5000;
const straysMs = 60_000;

/** Starts the actor of an instance. */
export type StartInstance = (instance: KeeperArgs) => Promise<void>;

/**
 * This node's agent: sees its own allocations and has one actor for each.
 *
 * @param started told how many runs of an earlier daemon go on, each time the agent starts
 */
export function agentActor(parts: AgentParts, startInstance: StartInstance, started: (adopted: number) => void) {
  const { mirror } = parts.repository;
  return actor<AgentMessage, { readonly unsubscribe: () => unknown }>({
    kind: "agent",
    onStart: async (_, context) => {
      const { self, system } = context;
      await noteBoot(parts.repository, parts.node, parts.bootId(), parts.clock.nowMs());
      // A disk that takes no note of it now costs the order, and nobody the start.
      await comeInOrder(parts.repository, parts.node).catch((error: unknown) =>
        parts.report("what the last daemon took along may not come back in order", error),
      );
      const unsubscribe = mirror.onChange((keys) => {
        const allocations = keys.flatMap(allocationOf);
        if (allocations.length > 0) self.send({ type: "changed", allocations });
      });
      const adopted = countAdopted(parts.observations, launchedBefore(parts));
      await attend(ownAllocations(parts), system);
      void adopted.then(started);
      self.send({ type: "strays" });
      context.sendEvery(sweepMs, { type: "sweep" });
      context.sendEvery(straysMs, { type: "strays" });
      return { unsubscribe };
    },
    async receive(_, message, { system }) {
      if (message.type === "changed") await attend(message.allocations, system);
      if (message.type === "sweep") await attend(ownAllocations(parts), system);
      if (message.type === "strays") {
        // Not waited for: a stray may take its whole grace, and allocations must not.
        void settleStrays(parts).catch((error: unknown) => parts.report("looking for stray runs failed", error));
      }
    },
    onStop: ({ unsubscribe }) => void unsubscribe(),
  });

  async function attend(allocations: readonly KeeperArgs[], system: ActorSystem): Promise<void> {
    const missing: KeeperArgs[] = [];
    for (const instance of allocations) {
      const ref = system.registry.whereIs<InstanceMessage>(actorNameOf(instance));
      if (ref !== undefined) ref.send({ type: "follow" });
      else if (mirror.allocations.get(instance.app)?.get(instance.index)?.record.node === parts.node)
        missing.push(instance);
    }
    await Promise.all(missing.map(startInstance));
  }
}

/** Runs that the daemon before this one has launched, perhaps, by the names of their instances. */
function launchedBefore(parts: AgentParts): Map<string, string> {
  const { runs } = parts.repository.mirror;
  const launched = new Map<string, string>();
  for (const instance of ownAllocations(parts)) {
    const record = runs.get(instance.app)?.get(instance.index)?.record;
    if (record?.status === "launched") launched.set(instanceName(instance), record.runId);
  }
  return launched;
}

const allocationOf = (key: RecordKey): KeeperArgs[] =>
  key.kind === "alloc" ? [{ app: key.app, index: key.index }] : [];

function ownAllocations({ repository, node }: AgentParts): KeeperArgs[] {
  return [...repository.mirror.allocations].flatMap(([app, rows]) =>
    [...rows].filter(([, { record }]) => record.node === node).map(([index]) => ({ app, index })),
  );
}
