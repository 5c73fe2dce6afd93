import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coordinate, defaultCoordination, type SharedMemory } from "../../src/coordination/coordinate.ts";
import { after, emptyFleet, type Fleet, type FleetEvent } from "../../src/coordination/fleet.ts";

const GiB = 2 ** 30;
const limitBytes = 16 * GiB;
const at = (share: number): SharedMemory => [{ limitBytes, usedBytes: share * limitBytes }];
const joined = (
  id: string,
  sinceMs: number,
  phase: "waiting" | "running" | "parked",
  expectedBytes?: number,
): FleetEvent => ({
  kind: "joined",
  run: { id, sinceMs, phase, expectedBytes },
});
const fleetOf = (...events: FleetEvent[]): Fleet => events.reduce(after, emptyFleet);

/** Looks every second until something of this kind is done. */
function until(kind: string, fleet: Fleet, memory: SharedMemory, fromMs: number, mostMs = 60_000) {
  for (let nowMs = fromMs; nowMs <= fromMs + mostMs; nowMs += 1000) {
    const { fleet: next, actions } = coordinate(fleet, memory, nowMs);
    fleet = next;
    const found = actions.filter((action) => action.kind === kind);
    if (found.length > 0) return { fleet, nowMs, ids: found.map(({ id }) => id) };
  }
  return { fleet, nowMs: Number.POSITIVE_INFINITY, ids: [] };
}

describe("admission", () => {
  it("lets in as many as fit when each grows to what it needs, oldest first", () => {
    const fleet = fleetOf(
      joined("c", 3, "waiting", 6 * GiB),
      joined("a", 1, "waiting", 6 * GiB),
      joined("b", 2, "waiting", 6 * GiB),
    );
    const { actions } = coordinate(fleet, at(0.05), 0);
    expect(actions.filter(({ kind }) => kind === "admit").map(({ id }) => id)).toEqual(["a", "b"]);
    expect(actions).toContainEqual({
      kind: "wait",
      id: "c",
      reason: expect.stringContaining("needs 6144 MiB") as string,
    });
  });

  it("tells who waits once, however the figures change", () => {
    let fleet = fleetOf(joined("a", 1, "running", 8 * GiB), joined("b", 2, "waiting", 6 * GiB));
    const told: string[] = [];
    for (const share of [0.05, 0.1, 0.15]) {
      const { fleet: next, actions } = coordinate(fleet, at(share), 0);
      fleet = next;
      for (const action of actions) if (action.kind === "wait") told.push(action.reason);
    }
    expect(told).toHaveLength(1);
    // Whoever looks sees the figures of now.
    expect(fleet.runs.get("b")?.reason).not.toBe(told[0]);
  });

  it("does not let a small run overtake a large one", () => {
    const fleet = fleetOf(
      joined("a", 1, "running", 8 * GiB),
      joined("large", 2, "waiting", 8 * GiB),
      joined("small", 3, "waiting", 1),
    );
    expect(coordinate(fleet, at(0.05), 0).actions.filter(({ kind }) => kind === "admit")).toEqual([]);
  });

  it("heeds every bound, not only the fullest", () => {
    const fleet = fleetOf(joined("a", 1, "running", 4 * GiB), joined("b", 2, "waiting", 4 * GiB));
    const machine = { limitBytes: 100 * GiB, usedBytes: 50 * GiB };
    const admits = (...memory: SharedMemory): boolean =>
      coordinate(fleet, memory, 0).actions.some(({ kind }) => kind === "admit");
    expect(admits(machine)).toBe(true);
    expect(admits(machine, { limitBytes: 8 * GiB, usedBytes: GiB })).toBe(false);
  });

  it("lets a run that needs more than there is run alone", () => {
    const fleet = fleetOf(joined("a", 1, "waiting", 100 * GiB));
    expect(coordinate(fleet, at(0.1), 0).actions).toContainEqual({ kind: "admit", id: "a" });
    expect(coordinate(fleet, at(0.9), 0).actions).not.toContainEqual({ kind: "admit", id: "a" });
  });
});

describe("stopped runs", () => {
  const parked = fleetOf(
    joined("old", 1, "running"),
    joined("young", 2, "running"),
    { kind: "parked", id: "young", atMs: 0 },
    { kind: "parked", id: "old", atMs: 0 },
  );

  it("come back oldest first, one at a time, 15 s after any action and 10 s below 60 %", () => {
    const first = until("resume", parked, at(0.59), 0);
    expect(first).toMatchObject({ ids: ["old"], nowMs: 15_000 });
    expect(until("resume", first.fleet, at(0.3), first.nowMs + 1000)).toMatchObject({ ids: ["young"], nowMs: 30_000 });
  });

  it("stay where they are above 60 %", () => {
    expect(until("resume", parked, at(0.61), 0).ids).toEqual([]);
  });

  it("wait anew when calm is interrupted", () => {
    let fleet = parked;
    for (let nowMs = 0; nowMs <= 20_000; nowMs += 1000)
      fleet = coordinate(fleet, at(nowMs === 12_000 ? 0.7 : 0.5), nowMs).fleet;
    expect(fleet.runs.get("old")?.phase).toBe("parked");
    expect(until("resume", fleet, at(0.5), 21_000).nowMs).toBe(23_000);
  });

  it("come before younger runs that wait", () => {
    const fleet = after(parked, joined("new", 3, "waiting"));
    expect(until("admit", fleet, at(0.1), 0, 29_000).ids).toEqual([]);
  });
});

describe("who yields", () => {
  it("is the youngest; after it has gone nobody does for 15 s, then the next", () => {
    const start = fleetOf(joined("a", 1, "running"), joined("b", 2, "running"), joined("c", 3, "running"));
    const { fleet, actions } = coordinate(start, at(0.5), 0);
    expect(actions).toEqual([{ kind: "yields", id: "c", yields: true }]);
    const without = after(fleet, { kind: "parked", id: "c", atMs: 1000 });
    expect(until("yields", without, at(0.79), 2000)).toMatchObject({ ids: ["b"], nowMs: 16_000 });
  });
});

const event = fc.oneof(
  fc.record({
    kind: fc.constant("joined" as const),
    run: fc.record({
      id: fc.constantFrom("a", "b", "c", "d"),
      sinceMs: fc.nat(5),
      phase: fc.constantFrom("waiting" as const, "running" as const, "parked" as const),
      expectedBytes: fc.option(
        fc.nat(20).map((n) => n * GiB),
        { nil: undefined },
      ),
    }),
  }),
  fc.record({
    kind: fc.constant("reported" as const),
    id: fc.constantFrom("a", "b", "c", "d"),
    treeBytes: fc.nat(8).map((n) => n * GiB),
  }),
  fc.record({ kind: fc.constantFrom("parked" as const, "left" as const), id: fc.constantFrom("a", "b", "c", "d") }),
);
const step = fc.record({
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  waitMs: fc.nat(20_000),
  event: fc.option(event),
});

describe("whatever happens", () => {
  it("at most one run comes back at a time, in order of age, with pauses; at most one yields, and it runs", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let fleet = emptyFleet;
        let nowMs = 0;
        let calmMs: number | undefined;
        let lastActionMs = Number.NEGATIVE_INFINITY;
        const told = new Set<string>();
        for (const { share, waitMs, event: happened } of steps) {
          nowMs += waitMs;
          if (happened !== null) {
            const existed = "id" in happened && fleet.runs.has(happened.id);
            fleet = after(fleet, happened.kind === "parked" ? { ...happened, atMs: nowMs } : (happened as FleetEvent));
            if (happened.kind === "parked" && existed) lastActionMs = nowMs;
            if (happened.kind !== "joined" && happened.kind !== "reported") told.delete(happened.id);
            if (happened.kind === "joined") told.delete(happened.run.id);
          }
          const memory = at(share);
          calmMs = share <= 0.6 ? (calmMs ?? nowMs) : undefined;
          const before = fleet;
          const result = coordinate(fleet, memory, nowMs);
          fleet = result.fleet;
          const resumed = result.actions.filter(({ kind }) => kind === "resume");
          expect(resumed.length).toBeLessThanOrEqual(1);
          for (const { id } of resumed) {
            expect(nowMs - (calmMs ?? nowMs)).toBeGreaterThanOrEqual(defaultCoordination.resumeHeldMs);
            expect(nowMs - lastActionMs).toBeGreaterThanOrEqual(defaultCoordination.pauseMs);
            const ages = [...before.runs.values()]
              .filter(({ phase }) => phase === "parked")
              .map(({ sinceMs }) => sinceMs);
            expect(before.runs.get(id)?.sinceMs).toBe(Math.min(...ages));
            lastActionMs = nowMs;
          }
          for (const action of result.actions) {
            if (action.kind === "yields" && action.yields) told.add(action.id);
            if (action.kind === "yields" && !action.yields) told.delete(action.id);
            if (action.kind === "admit") expect(before.runs.get(action.id)?.phase).toBe("waiting");
          }
          const running = [...fleet.runs.values()].filter(({ phase }) => phase === "running");
          if (fleet.yielding !== undefined) {
            expect(running.map(({ id }) => id)).toContain(fleet.yielding);
            expect(fleet.runs.get(fleet.yielding)?.sinceMs).toBe(Math.max(...running.map(({ sinceMs }) => sinceMs)));
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("everybody who waits gets a turn when memory stays free", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        let fleet = events.reduce<Fleet>(
          (all, each) => after(all, each.kind === "parked" ? { ...each, atMs: 0 } : (each as FleetEvent)),
          emptyFleet,
        );
        for (let nowMs = 0; nowMs < 400_000; nowMs += 1000) {
          fleet = coordinate(fleet, at(0.05), nowMs).fleet;
          // Runs end: the oldest that runs, every 20 s.
          const oldest = [...fleet.runs.values()]
            .filter(({ phase }) => phase === "running")
            .sort((a, b) => a.sinceMs - b.sinceMs)[0];
          if (nowMs % 20_000 === 0 && oldest !== undefined) fleet = after(fleet, { kind: "left", id: oldest.id });
        }
        expect([...fleet.runs.values()].filter(({ phase }) => phase !== "running")).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});
