import { noHealth, parseApp } from "@constellation/contract";
import { planRollout, progressOf, settleMsOf } from "@constellation/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Quality, World } from "./world.ts";

const running = (wanted: number, surge = true) => ({ mode: "running", wanted, surge, blockedBy: null }) as const;
const shape = (world: World) =>
  world.view().map(({ index, fit, progress, wish }) => `${index} ${fit} ${progress} ${wish.kind}`);
const whole = (wanted: number, progress = "ready") =>
  Array.from({ length: wanted }, (_, at) => `${at + 1} current ${progress} run`);

const events = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("turn" as const), index: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 4, arbitrary: fc.constant({ do: "plan" as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const), index: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("giveUp" as const), index: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("scale" as const), wanted: fc.integer({ min: 0, max: 6 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("update" as const),
        quality: fc.constantFrom<Quality>("good", "bad", "brief"),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ do: "updateLive" as const }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("mode" as const),
        mode: fc.constantFrom("running" as const, "stopped" as const),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("block" as const), by: fc.constantFrom(null, "db to be healthy") }),
    },
  ),
  { maxLength: 120 },
);

function play(world: World, list: typeof events extends fc.Arbitrary<infer E> ? E : never): void {
  for (const event of list) {
    if (event.do === "turn") world.turn(event.index);
    else if (event.do === "crash") world.crash(event.index);
    else if (event.do === "giveUp") world.giveUp(event.index);
    else if (event.do === "scale") world.goal = { ...world.goal, wanted: event.wanted };
    else if (event.do === "update") world.update(event.quality);
    else if (event.do === "updateLive") world.updateLive();
    else if (event.do === "mode") world.goal = { ...world.goal, mode: event.mode };
    else if (event.do === "block") world.goal = { ...world.goal, blockedBy: event.by };
    else checkedPlan(world);
  }
}

/** Plans once, checks the promises of the plan, applies it. */
function checkedPlan(world: World): void {
  const actions = world.plan();
  expect(new Set(actions.map(({ index }) => index)).size, "one action an instance").toBe(actions.length);
  if (world.goal.mode === "running" && world.goal.wanted > 0) {
    const before = world.servingAfter([]);
    expect(world.servingAfter(actions)).toBeGreaterThanOrEqual(Math.min(before, world.goal.wanted - 1));
    const ready = new Set(world.view().flatMap(({ index, progress }) => (progress === "ready" ? [index] : [])));
    expect(actions.filter(({ kind, index }) => kind === "replace" && ready.has(index)).length).toBeLessThanOrEqual(1);
    const started = actions.filter(({ kind, index }) => kind === "start" && index > world.goal.wanted);
    expect(started.length).toBeLessThanOrEqual(world.goal.surge ? 1 : 0);
  }
  world.apply(actions);
}

describe("a plan", () => {
  test("starts everything at once and then has nothing more to do", () => {
    const world = new World(running(4));
    expect(world.plan()).toEqual([1, 2, 3, 4].map((index) => ({ kind: "start", index })));
    world.settle();
    expect(shape(world)).toEqual(whole(4));
    expect(world.plan()).toEqual([]);
  });

  test("keeps the promises and converges, whatever happens in whatever order", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        fc.boolean(),
        events,
        fc.constantFrom<Quality>("good", "brief"),
        (wanted, surge, list, last) => {
          const world = new World(running(wanted, surge));
          play(world, list);
          world.goal = { ...world.goal, mode: "running", blockedBy: null };
          world.update(last);
          world.settle();
          expect(shape(world)).toEqual(whole(world.goal.wanted, last === "good" ? "ready" : "completed"));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("stopping keeps the allocations and ends every instance, removing forgets them, from any situation", () => {
    fc.assert(
      fc.property(events, fc.boolean(), (list, removed) => {
        const world = new World(running(3));
        play(world, list);
        world.goal = { ...world.goal, mode: removed ? "removed" : "stopped" };
        world.settle();
        expect([...world.instances.values()].every(({ run }) => run === null)).toBe(true);
        if (removed) expect(world.instances.size).toBe(0);
        else expect(Math.max(0, ...world.instances.keys())).toBeLessThanOrEqual(world.goal.wanted);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a rolling update", () => {
  test.each([1, 2, 3, 5])("of %i instances with room for one more never has fewer than all serving", (wanted) => {
    const world = new World(running(wanted));
    world.settle();
    world.update("good");
    let lowest = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 60; round += 1) {
      checkedPlan(world);
      for (const index of world.instances.keys()) {
        world.turn(index);
        lowest = Math.min(lowest, world.serving);
      }
      expect(world.instances.size).toBeLessThanOrEqual(wanted + 1);
    }
    expect(lowest).toBe(wanted);
    expect(shape(world)).toEqual(whole(wanted));
  });

  test.each([1, 2, 3, 5])("of %i servers to a program that does its work and ends replaces them all", (wanted) => {
    for (const surge of [true, false]) {
      const world = new World(running(wanted, surge));
      world.settle();
      world.update("brief");
      world.settle();
      expect(shape(world)).toEqual(whole(wanted, "completed"));
    }
  });

  test("to a bad revision stops at its first instance and leaves the app up", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.boolean(), fc.boolean(), (wanted, surge, givesUp) => {
        const world = new World(running(wanted, surge));
        world.settle();
        world.update("bad");
        for (let round = 0; round < 50; round += 1) {
          checkedPlan(world);
          for (const index of world.instances.keys()) world.turn(index);
          if (givesUp) for (const index of world.instances.keys()) world.giveUp(index);
        }
        expect(world.serving).toBe(surge ? wanted : wanted - 1);
        expect(world.view().filter(({ fit }) => fit === "current")).toHaveLength(1);
        world.update("good");
        world.settle();
        expect(shape(world)).toEqual(whole(wanted));
      }),
    );
  });

  test("of an app that serves nobody anyway tries one and then replaces the rest at once", () => {
    const world = new World(running(5));
    world.qualities[0] = "bad";
    for (let round = 0; round < 3; round += 1) {
      world.apply(world.plan());
      for (const index of world.instances.keys()) world.turn(index);
    }
    world.update("good");
    expect(world.plan()).toEqual([{ kind: "replace", index: 1 }]);
    world.apply(world.plan());
    for (let turn = 0; turn < 3; turn += 1) world.turn(1);
    expect(world.plan()).toEqual([2, 3, 4, 5].map((index) => ({ kind: "replace", index })));
  });

  test("settings that need no restart go to all at once", () => {
    const instances = [1, 2, 3].map(
      (index) => ({ index, wish: { kind: "run" }, fit: "live", progress: "ready" }) as const,
    );
    expect(planRollout(running(3), instances)).toEqual([1, 2, 3].map((index) => ({ kind: "adjust", index })));
  });
});

describe("dependencies", () => {
  test("hold new instances back, say why, and let running ones alone", () => {
    const world = new World({ ...running(2), blockedBy: "db to be healthy" });
    expect(world.plan()).toEqual([1, 2].map((index) => ({ kind: "wait", index, for: "db to be healthy" })));
    world.apply(world.plan());
    expect(world.plan()).toEqual([]);
    world.goal = running(2);
    world.settle();
    world.goal = { ...running(2), blockedBy: "db to be healthy" };
    expect(world.plan()).toEqual([]);
  });

  test("hold an update back", () => {
    const world = new World(running(2));
    world.settle();
    world.update("good");
    world.goal = { ...world.goal, blockedBy: "db to be healthy" };
    expect(world.plan()).toEqual([]);
  });
});

describe("an instance counts as ready", () => {
  const state = { status: "running", since: 1000, pid: 1, ready: true, notReady: null } as const;
  const seen = { state, runsItsRevision: true, nowMs: 1600, settleMs: settleMsOf(noHealth) };
  test("when it has run for a moment", () => {
    expect(progressOf(seen)).toBe("ready");
    expect(progressOf({ ...seen, nowMs: 1100 })).toBe("coming");
  });
  test("when it began in what is now the future: the clock was set back, and it has run", () => {
    expect(progressOf({ ...seen, nowMs: 1000 - 3_600_000 })).toBe("ready");
  });
  test("at once when a probe says so", () => {
    const { health } = parseApp({ name: "web", command: ["x"], port: 80, health: { tcp: true } });
    expect(progressOf({ ...seen, nowMs: 1000, settleMs: settleMsOf(health) })).toBe("ready");
  });
  test("never while it runs another revision than its allocation's", () => {
    expect(progressOf({ ...seen, runsItsRevision: false })).toBe("coming");
  });
});
