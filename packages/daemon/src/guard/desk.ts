import {
  after,
  coordinate,
  type CoordinationSettings,
  emptyFleet,
  type Fleet,
  keepPorts,
  type PortBook,
  type PortRange,
  promisePorts,
  returnPorts,
  type SharedMemory,
} from "@constellation/guard";
import type { LeaseAnswer, LeaseCall, LeasedRun, LeaseRequest } from "@constellation/contract";
import type { ProcessIdentity } from "@constellation/host";
import type { LeaseRecord } from "./lease-record.ts";

/** One run's connection. */
export interface Wire {
  say(answer: LeaseAnswer): void;
  close(): void;
}

/** What the desk decides about and what carries it out; tests give it other hands. */
export interface DeskParts {
  readonly settings: CoordinationSettings;
  readonly ports: PortRange;
  readonly nowMs: () => number;
  readonly memory: () => readonly (SharedMemory[number] & { readonly name: string })[];
  /** Whether the kernel killed for memory since the last call. */
  readonly hasKilled: () => boolean;
  readonly isAlive: (process: ProcessIdentity) => boolean;
  readonly portsInUse: () => ReadonlySet<number>;
  /** Ends all that a dead run has left. */
  readonly reap: (record: LeaseRecord) => Promise<void>;
  readonly launch: (record: LeaseRecord) => Promise<ProcessIdentity | undefined>;
  readonly records: { save(record: LeaseRecord): void; remove(id: string): void };
  readonly report: (text: string, error?: unknown) => void;
}

interface Guest {
  record: LeaseRecord;
  wire: Wire | undefined;
  level: "run" | "shed" | "drain" | "kill";
  /** It is being cleaned up after, or started again. */
  isBusy: boolean;
}

/** A death so soon after the kernel killed for memory is taken for its work. */
const recentMs = 5000;

/** Where guarded runs of this machine sign in. Holds what they said, asks `coordinate`, and does what it decides. */
export class GuardDesk {
  readonly #parts: DeskParts;
  readonly #guests = new Map<string, Guest>();
  readonly #working = new Set<Promise<void>>();
  #fleet: Fleet = emptyFleet;
  #killedAtMs = Number.NEGATIVE_INFINITY;
  #book: PortBook = { held: new Map() };

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#guests.size === 0;
  }

  /** Takes over what an earlier daemon knew: those alive will call, the others are cleaned up after. */
  inherit(records: readonly LeaseRecord[]): void {
    for (const record of records) {
      this.#book = keepPorts(this.#book, record.request.id, record.ports);
      this.#guests.set(record.request.id, { record, wire: undefined, level: "run", isBusy: false });
      this.#join(record.request);
    }
    this.tick();
  }

  /** A run has signed in and is who it says it is. One that comes back keeps its age. False: it was refused. */
  enter(request: LeaseRequest, wire: Wire): boolean {
    const { id } = request;
    const known = this.#guests.get(id);
    if (known?.wire !== undefined) return refuse(wire, "this lease is held by another connection");
    const sinceMs = known?.record.request.sinceMs ?? request.sinceMs;
    // The run that was started again is let in already.
    const isLetIn = request.phase === "waiting" && this.#fleet.runs.get(id)?.phase === "running";
    const phase = isLetIn ? "running" : request.phase;
    const promised = promisePorts(this.#book, id, request.ports, this.#parts.portsInUse(), this.#parts.ports);
    if (promised === undefined) return refuse(wire, `there are no ${request.ports} free ports left`);
    this.#book = promised.book;
    const { attempt } = known?.record ?? {};
    const record: LeaseRecord = { request: { ...request, sinceMs, phase }, attempt, ports: promised.ports };
    this.#guests.set(id, { record, wire, level: known?.level ?? "run", isBusy: false });
    this.#save(record);
    if (this.#fleet.runs.get(id)?.phase !== phase) this.#join(record.request);
    if (phase === "running") this.#admit(id);
    this.tick();
    return true;
  }

  hear(id: string, call: LeaseCall): void {
    const guest = this.#guests.get(id);
    if (guest === undefined) return;
    if (call.kind === "started") this.#save((guest.record = { ...guest.record, attempt: call }));
    else if (call.kind === "report") {
      guest.level = call.level;
      this.#fleet = after(this.#fleet, { kind: "reported", id, treeBytes: call.treeBytes });
    } else if (call.kind === "parked") this.#park(guest);
    else if (call.kind === "ended") this.#forget(id);
  }

  /** A connection has ended. Whoever gave its lease back before is not known any more. */
  lost(id: string, wire: Wire): void {
    const guest = this.#guests.get(id);
    if (guest?.wire !== wire) return;
    guest.wire = undefined;
    this.tick();
  }

  /** Looks at the dead and at memory, and does what follows. Called every second, and whenever something happened. */
  tick(): void {
    if (this.#parts.hasKilled()) this.#killedAtMs = this.#parts.nowMs();
    for (const guest of this.#guests.values()) this.#checkOn(guest);
    if (this.isEmpty) return;
    const { fleet, actions } = coordinate(this.#fleet, this.#parts.memory(), this.#parts.nowMs(), this.#parts.settings);
    this.#fleet = fleet;
    for (const action of actions) {
      const guest = this.#guests.get(action.id);
      if (guest === undefined) continue;
      if (action.kind === "wait") guest.wire?.say({ kind: "waiting", reason: action.reason });
      else if (action.kind === "yields") guest.wire?.say({ kind: "yields", yields: action.yields });
      else if (action.kind === "admit") {
        this.#remember(guest, "running");
        this.#admit(action.id);
      } else this.#resume(guest);
    }
  }

  list(): LeasedRun[] {
    return [...this.#fleet.runs.values()].flatMap((run) => {
      const guest = this.#guests.get(run.id);
      if (guest === undefined) return [];
      const { request } = guest.record;
      return [
        {
          ...run,
          root: request.root,
          pid: this.#parts.isAlive(request.guard) ? request.guard.pid : null,
          ports: [...(this.#book.held.get(run.id) ?? [])],
        },
      ];
    });
  }

  /** Waits for what is being cleaned up. */
  async settle(): Promise<void> {
    await Promise.all(this.#working);
  }

  #admit(id: string): void {
    const wire = this.#guests.get(id)?.wire;
    const ports = [...(this.#book.held.get(id) ?? [])];
    wire?.say({ kind: "admitted", ports, bounds: this.#parts.memory().map(({ name }) => name) });
    wire?.say({ kind: "yields", yields: this.#fleet.yielding === id });
  }

  #resume(guest: Guest): void {
    this.#remember(guest, "running");
    if (guest.wire !== undefined) guest.wire.say({ kind: "resume" });
    else this.#work(this.#launch(guest));
  }

  async #launch(guest: Guest): Promise<void> {
    const { request } = guest.record;
    guest.isBusy = true;
    const guard = await this.#parts.launch(guest.record).catch((error: unknown) => {
      this.#parts.report(`the guarded run of ${request.root}`, error);
      return undefined;
    });
    guest.isBusy = false;
    if (guard === undefined) {
      this.#parts.report(`the guarded run of ${request.root} could not be started again`);
      this.#forget(request.id);
    } else this.#save((guest.record = { ...guest.record, request: { ...guest.record.request, guard } }));
  }

  #park(guest: Guest): void {
    const { id } = guest.record.request;
    // What it said before it was stopped says nothing of how the next attempt ends.
    guest.level = "run";
    this.#fleet = after(this.#fleet, { kind: "parked", id, atMs: this.#parts.nowMs() });
    this.#remember(guest, "parked");
    this.tick();
  }

  /** A run without a connection whose process is gone: nothing of it stays; if memory killed it, it comes back. */
  #checkOn(guest: Guest): void {
    const { record } = guest;
    const { id, guard, phase, launch } = record.request;
    if (guest.wire !== undefined || guest.isBusy || this.#parts.isAlive(guard)) return;
    if (phase === "parked" && record.attempt === undefined) {
      if (launch === null) this.#forget(id);
      return;
    }
    const wasKilling = this.#parts.nowMs() - this.#killedAtMs < recentMs;
    const diedOfMemory = wasKilling || guest.level === "drain" || guest.level === "kill";
    guest.isBusy = true;
    this.#work(this.#cleanUp(guest, launch !== null && (phase === "parked" || (phase === "running" && diedOfMemory))));
  }

  async #cleanUp(guest: Guest, comesBack: boolean): Promise<void> {
    const { record } = guest;
    try {
      await this.#parts.reap(record);
    } catch (error) {
      this.#parts.report(`what the guarded run of ${record.request.root} left`, error);
    }
    guest.isBusy = false;
    guest.record = { ...record, attempt: undefined };
    if (comesBack) this.#park(guest);
    else this.#forget(record.request.id);
  }

  #join({ id, sinceMs, phase, expectedBytes }: LeaseRequest): void {
    this.#fleet = after(this.#fleet, {
      kind: "joined",
      run: { id, sinceMs, phase, expectedBytes: expectedBytes ?? undefined },
    });
  }

  #remember(guest: Guest, phase: LeaseRequest["phase"]): void {
    const attempt = phase === "parked" ? undefined : guest.record.attempt;
    this.#save((guest.record = { ...guest.record, request: { ...guest.record.request, phase }, attempt }));
  }

  #save(record: LeaseRecord): void {
    try {
      this.#parts.records.save(record);
    } catch (error) {
      // The run goes on; only a daemon that comes after this one would not know it.
      this.#parts.report(`the lease of ${record.request.root} cannot be kept`, error);
    }
  }

  #forget(id: string): void {
    this.#fleet = after(this.#fleet, { kind: "left", id });
    this.#book = returnPorts(this.#book, id);
    this.#guests.delete(id);
    this.#parts.records.remove(id);
    this.tick();
  }

  #work(task: Promise<void>): void {
    const work = task.catch((error: unknown) => this.#parts.report("a guarded run", error));
    this.#working.add(work);
    void work.then(() => this.#working.delete(work));
  }
}

function refuse(wire: Wire, reason: string): false {
  wire.say({ kind: "refused", reason });
  wire.close();
  return false;
}
