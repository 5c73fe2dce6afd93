import { extrasOf, type AnyRef, type Cell } from "../cell/cell.ts";
import type { ActorRef } from "../vocabulary/actor-ref.ts";
import { DEAD } from "../cell/flags.ts";
import { tell, type Host } from "../host.ts";

/** Someone joined or left a group. */
export interface GroupChange {
  readonly kind: "join" | "leave";
  readonly group: string;
  readonly ref: ActorRef<never>;
}

/**
 * Named groups of actors, as OTP's `pg`: an actor may join a group several times and then has to leave it as often;
 * one that ends leaves all of its groups.
 */
export class Groups {
  readonly #host: Host;
  readonly #members = new Map<string, Cell[]>();
  readonly #listeners = new Set<(change: GroupChange) => void>();
  readonly #turns = new Map<string, number>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** @throws TypeError for an actor that does not live in this system. */
  join(group: string, ref: ActorRef<never>): void {
    const cell = (ref as AnyRef).local;
    if (cell === null || (cell.flags & DEAD) !== 0)
      throw new TypeError(`Cannot join group ${JSON.stringify(group)}: ${ref.address} does not live in this system`);
    const members = this.#members.get(group);
    if (members === undefined) this.#members.set(group, [cell]);
    else members.push(cell);
    (extrasOf(cell).groups ??= []).push(group);
    this.#tell({ kind: "join", group, ref: cell });
  }

  /** Takes back one `join`; false when it was not a member. */
  leave(group: string, ref: ActorRef<never>): boolean {
    const cell = (ref as AnyRef).local;
    if (cell === null || !this.#remove(group, cell)) return false;
    const groups = cell.extras?.groups;
    groups?.splice(groups.indexOf(group), 1);
    this.#tell({ kind: "leave", group, ref: cell });
    return true;
  }

  /** Members in the order in which they joined, one entry for each `join`. */
  members<Message = never>(group: string): ActorRef<Message>[] {
    return [...(this.#members.get(group) ?? [])];
  }

  /** Groups that have members. */
  groups(): string[] {
    return [...this.#members.keys()];
  }

  /** Sends to every member; returns how many took the message. */
  broadcast(group: string, message: unknown): number {
    let taken = 0;
    for (const cell of this.#members.get(group) ?? []) if (cell.send(message) === "queued") taken += 1;
    return taken;
  }

  /** One member: the next one in turn, or any one at random. */
  pick<Message = never>(group: string, how: "in-turn" | "random" = "in-turn"): ActorRef<Message> | undefined {
    const members = this.#members.get(group);
    if (members === undefined) return undefined;
    if (how === "random") return members[Math.floor(this.#host.random() * members.length)];
    const turn = (this.#turns.get(group) ?? 0) % members.length;
    this.#turns.set(group, turn + 1);
    return members[turn];
  }

  /** Calls `listener` on each join and leave; returns how to stop that. */
  subscribe(listener: (change: GroupChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @internal */
  leaveAll(cell: Cell): void {
    for (const group of cell.extras?.groups ?? []) {
      this.#remove(group, cell);
      this.#tell({ kind: "leave", group, ref: cell });
    }
  }

  #remove(group: string, cell: Cell): boolean {
    const members = this.#members.get(group);
    // From the end: when many end together, the youngest are first.
    const index = members?.lastIndexOf(cell) ?? -1;
    if (members === undefined || index === -1) return false;
    members.splice(index, 1);
    if (members.length === 0) {
      this.#members.delete(group);
      this.#turns.delete(group);
    }
    return true;
  }

  #tell(change: GroupChange): void {
    for (const listener of this.#listeners) tell(this.#host, listener, change);
  }
}
