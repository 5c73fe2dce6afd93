/** A guarded run, as far as its place among the others goes. */
export interface FleetRun {
  readonly id: string;
  /** When it was first started: the youngest yields first, the oldest comes first. */
  readonly sinceMs: number;
  readonly phase: "waiting" | "running" | "parked";
  /** Most memory it is expected to need. */
  readonly expectedBytes: number;
  /** Memory it has now. */
  readonly treeBytes: number;
  /** Why it does not run; empty when it does. */
  readonly reason: string;
}

/** All runs of one machine, and what the coordinator remembers between looks. */
export interface Fleet {
  readonly runs: ReadonlyMap<string, FleetRun>;
  /** When a run was last parked or called back. */
  readonly lastActionMs: number | undefined;
  readonly calmSinceMs: number | undefined;
  /** The run that yields when memory gets tight. */
  readonly yielding: string | undefined;
}

/** Nobody runs. */
export const emptyFleet: Fleet = {
  runs: new Map(),
  lastActionMs: undefined,
  calmSinceMs: undefined,
  yielding: undefined,
};

/** What happened to one run. */
export type FleetEvent =
  | {
      readonly kind: "joined";
      readonly run: Pick<FleetRun, "id" | "sinceMs" | "phase"> & { readonly expectedBytes: number | undefined };
    }
  | { readonly kind: "reported"; readonly id: string; readonly treeBytes: number }
  /** It was stopped for the machine's sake and wants to go on. */
  | { readonly kind: "parked"; readonly id: string; readonly atMs: number }
  | { readonly kind: "left"; readonly id: string };

/** A run of which nothing is known is given this much. */
export const unknownNeedBytes = 2 ** 30;

/** The fleet after something happened. What is said of a run that is not there changes nothing. */
export function after(fleet: Fleet, event: FleetEvent): Fleet {
  const runs = new Map(fleet.runs);
  if (event.kind === "joined") {
    const { id, sinceMs, phase, expectedBytes = unknownNeedBytes } = event.run;
    const reason = phase === "running" ? "" : "it has just come";
    runs.set(id, { id, sinceMs, phase, expectedBytes, treeBytes: 0, reason });
    return { ...fleet, runs };
  }
  const run = runs.get(event.id);
  if (run === undefined) return fleet;
  if (event.kind === "left") {
    runs.delete(event.id);
    return { ...fleet, runs, yielding: fleet.yielding === event.id ? undefined : fleet.yielding };
  }
  if (event.kind === "reported") {
    // What it has had it may have again.
    runs.set(run.id, {
      ...run,
      treeBytes: event.treeBytes,
      expectedBytes: Math.max(run.expectedBytes, event.treeBytes),
    });
    return { ...fleet, runs };
  }
  runs.set(run.id, { ...run, phase: "parked", treeBytes: 0, reason: "it was stopped to protect the machine" });
  return {
    ...fleet,
    runs,
    lastActionMs: event.atMs,
    yielding: fleet.yielding === run.id ? undefined : fleet.yielding,
  };
}
