import { type AppSpec, ConstellationError, formatBytes } from "@constellation/contract";
import { place } from "./place.ts";
import type { Excess, NodeCapacity } from "./verdict.ts";

/**
 * Refuses an app whose single instance is larger than every node. `bestEffort` lets it pass: the kernel then simply never reaches the limit.
 *
 * @throws ConstellationError `limit.exceeds-node`
 */
export function checkCapacity(spec: AppSpec, nodes: readonly NodeCapacity[]): void {
  if (spec.resources.bestEffort) return;
  const verdict = place(spec.resources, nodes);
  if (verdict.kind !== "exceeds") return;
  const words = verdict.excesses.map(describe);
  throw new ConstellationError(
    "limit.exceeds-node",
    `Cannot place ${spec.name}: ${words.join("; ")} on node ${verdict.node}`,
    {
      remedy: `Lower ${verdict.excesses.map(({ setting }) => setting).join(", ")}, or set resources.bestEffort.`,
      details: { app: spec.name, excesses: verdict.excesses },
    },
  );
}

function describe({ setting, wanted, offered, unit }: Excess): string {
  const show = (value: number): string =>
    unit === "bytes" ? formatBytes(value) : unit === "cores" ? `${value} cores` : String(value);
  return `${setting} ${show(wanted)} exceeds the ${show(offered)}`;
}
