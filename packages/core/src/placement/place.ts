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

/** A limit that the spec leaves out is not looked up: to find out what a node has may cost something. */
function excessesOn(node: NodeCapacity, resources: Resources): Excess[] {
  const limits: readonly Limit[] = [
    ["resources.cpu", resources.cpuCores, "cpuCores", "cores"],
    ["resources.memory", resources.memoryBytes, "memoryBytes", "bytes"],
    ["resources.pids", resources.pids === "unlimited" ? null : resources.pids, "pids", "count"],
    ["resources.openFiles", resources.openFiles, "openFiles", "count"],
    ["resources.disk", resources.diskBytes, "diskBytes", "bytes"],
  ];
  return limits.flatMap(([setting, wanted, quantity, unit]) => {
    const offered = wanted === null ? null : node[quantity];
    return wanted !== null && offered !== null && wanted > offered ? [{ setting, wanted, offered, unit }] : [];
  });
}

type Limit = readonly [
  setting: string,
  wanted: number | null,
  quantity: Exclude<keyof NodeCapacity, "name">,
  unit: Excess["unit"],
];
