import type { ActorSystem } from "../system/system.ts";
import { snapshot, type ActorSnapshot } from "./snapshot.ts";

/** The tree as text for a terminal, at most `limit` children of each actor. */
export function tree(system: ActorSystem, limit = 20): string {
  const { actors, messages, restarts, tree: roots } = snapshot(system);
  const lines = [`${system.name}: ${actors} actors, ${messages} messages, ${restarts} restarts`];
  draw(roots, "", limit, lines);
  return lines.join("\n");
}

function draw(nodes: readonly ActorSnapshot[], indent: string, limit: number, lines: string[]): void {
  const shown = nodes.slice(0, limit);
  const hidden = nodes.length - shown.length;
  for (const [index, node] of shown.entries()) {
    const isLast = index === shown.length - 1 && hidden === 0;
    lines.push(`${indent}${isLast ? "└─ " : "├─ "}${label(node)}`);
    draw(node.children, `${indent}${isLast ? "   " : "│  "}`, limit, lines);
  }
  if (hidden > 0) lines.push(`${indent}└─ … ${hidden} more`);
}

function label(node: ActorSnapshot): string {
  const name = node.childId ?? node.names[0];
  const parts = [
    name === undefined ? `${node.kind}.${node.id}` : `${name} (${node.kind}.${node.id})`,
    ...(node.strategy === null ? [] : [node.strategy]),
    node.status,
    `mailbox ${node.mailbox}`,
    `messages ${node.messages}`,
    ...(node.restarts > 0 ? [`restarts ${node.restarts}`] : []),
  ];
  return parts.join(", ");
}
