import type { Cell } from "./cell.ts";
import { BUSY, DEAD, QUEUED, STARTING, STARTING_CHILDREN, STOPPING } from "./flags.ts";
import { childrenOf } from "./killing.ts";
import type { SupervisorState } from "./supervisor/supervisor-state.ts";
import type { ActorSystem } from "./system.ts";

/** What an actor is doing. */
export type ActorStatus = "starting" | "idle" | "ready" | "busy" | "stopping" | "dead";

/** One actor in a snapshot of the tree. All counts are since it started. */
export interface ActorSnapshot {
  readonly id: number;
  readonly address: string;
  readonly kind: string;
  readonly names: readonly string[];
  readonly status: ActorStatus;
  /** Messages that wait. */
  readonly mailbox: number;
  /** Messages that may wait. */
  readonly capacity: number;
  /** Messages handled. */
  readonly messages: number;
  /** Messages and signals handled. */
  readonly reductions: number;
  /** How often its supervisor has restarted it. */
  readonly restarts: number;
  /** Its id at its supervisor; null for others. */
  readonly childId: string | null;
  /** Of a supervisor; null for others. */
  readonly strategy: string | null;
  readonly children: readonly ActorSnapshot[];
}

/** A system at one moment, as plain data. */
export interface SystemSnapshot {
  readonly name: string;
  readonly actors: number;
  readonly spawned: number;
  readonly ended: number;
  readonly restarts: number;
  /** Messages handled by all actors since the system was made. */
  readonly messages: number;
  /** Times that the runtime took its turn on the event loop. */
  readonly slices: number;
  readonly timers: number;
  readonly lateReplies: number;
  readonly deadLetters: Readonly<Record<string, number>>;
  readonly tree: readonly ActorSnapshot[];
}

/** The whole system as plain data, ready for JSON. Costs time in proportion to the number of actors. */
export function snapshot(system: ActorSystem): SystemSnapshot {
  const { counters, runQueue, alarms, deadLetters } = system;
  return {
    name: system.name,
    actors: system.size,
    spawned: counters.spawned,
    ended: counters.ended,
    restarts: counters.restarts,
    messages: runQueue.handled,
    slices: runQueue.slices,
    timers: alarms.size,
    lateReplies: counters.lateReplies,
    deadLetters: { ...deadLetters.counts },
    tree: childrenOf(system.root).toReversed().map(describe),
  };
}

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

function describe(cell: Cell): ActorSnapshot {
  return {
    id: cell.id,
    address: cell.address,
    kind: cell.script.kind,
    names: cell.extras?.names ?? [],
    status: statusOf(cell),
    mailbox: cell.count,
    capacity: cell.capacity,
    messages: cell.handled,
    reductions: cell.handled + (cell.extras?.signalsHandled ?? 0),
    restarts: cell.child?.crashes?.total ?? 0,
    childId: cell.child?.plan.id ?? null,
    strategy: cell.script.interpreter === null ? null : strategyOf(cell.state as SupervisorState),
    children: childrenOf(cell).toReversed().map(describe),
  };
}

function strategyOf({ family }: SupervisorState): string {
  return family.kind === "dynamic" ? "simple_one_for_one" : family.strategy;
}

function statusOf({ flags }: Cell): ActorStatus {
  if ((flags & DEAD) !== 0) return "dead";
  if ((flags & STOPPING) !== 0) return "stopping";
  if ((flags & (STARTING | STARTING_CHILDREN)) !== 0) return "starting";
  if ((flags & BUSY) !== 0) return "busy";
  return (flags & QUEUED) === 0 ? "idle" : "ready";
}
