import type { Cell } from "../cell/cell.ts";
import { BUSY, DEAD, QUEUED, STARTING, STARTING_CHILDREN, STOPPING } from "../cell/flags.ts";
import { childrenOf } from "../life/killing.ts";
import type { SupervisorState } from "../supervisor/supervisor-state.ts";
import type { ActorSystem } from "../system/system.ts";

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

function describe(cell: Cell): ActorSnapshot {
  const messages = cell.handled + (cell.extras?.handledBefore ?? 0);
  return {
    id: cell.id,
    address: cell.address,
    kind: cell.script.kind,
    names: cell.extras?.names ?? [],
    status: statusOf(cell),
    mailbox: cell.count,
    capacity: cell.capacity,
    messages,
    reductions: messages + (cell.extras?.signalsHandled ?? 0),
    restarts: cell.child?.restarts ?? 0,
    childId: cell.child?.id ?? null,
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
