import type { Resources } from "@constellation/contract";
import type { Excess, NodeCapacity, PlacementVerdict } from "./verdict.ts";

/**
 * Chooses the node of one instance. Limits are ceilings and no reservations, so apps may promise more than the machine has
 * together, but a single limit that the machine can never reach is a mistake in the spec.
 */
export function place(resources: Resources, nodes: readonly NodeCapacity[]): PlacementVerdict {
  const judged = nodes.map((node) => ({ node, excesses: excessesOn(node, resources) }));
  const fitting = judged.filter(({ excesses }) => excesses.length === 0).map(({ node }) => node);
  const roomiest = fitting.sort((a, b) => b.memoryBytes - a.memoryBytes || a.name.localeCompare(b.name))[0];
  if (roomiest !== undefined) return { kind: "fits", node: roomiest.name };
  const closest = judged.sort((a, b) => a.excesses.length - b.excesses.length)[0];
  if (closest === undefined) return { kind: "full", reason: "there is no node" };
  return { kind: "exceeds", node: closest.node.name, excesses: closest.excesses };
}

function excessesOn(node: NodeCapacity, resources: Resources): Excess[] {
  const limits: readonly [string, number | null, number | null, Excess["unit"]][] = [
    ["resources.cpu", resources.cpuCores, node.cpuCores, "cores"],
    ["resources.memory", resources.memoryBytes, node.memoryBytes, "bytes"],
    ["resources.pids", resources.pids === "unlimited" ? null : resources.pids, node.pids, "count"],
    ["resources.openFiles", resources.openFiles, node.openFiles, "count"],
    ["resources.disk", resources.diskBytes, node.diskBytes, "bytes"],
  ];
  return limits.flatMap(([setting, wanted, offered, unit]) =>
    wanted !== null && offered !== null && wanted > offered ? [{ setting, wanted, offered, unit }] : [],
  );
}
