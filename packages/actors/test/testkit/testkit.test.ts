import { describe, expect, it } from "vitest";
import { actor, child, supervise, supervisor } from "@constellation/actors";
import {
  crashing,
  Faults,
  InjectedCrash,
  leaksOf,
  ManualHost,
  Probe,
  seededOrder,
  shutdownWithoutLeaks,
} from "@constellation/actors/testkit";
import { closeManual, manualSystem, realSystem } from "../fixtures/quiet-system.ts";

describe("a probe", () => {
  it("expects messages, fishes for one, and complains when none comes", async () => {
    const { system, host } = manualSystem();
    const probe = new Probe<number>(system, "probe");
    for (const value of [1, 2, 3, 4]) probe.ref.send(value);
    await host.settle();
    expect(await probe.expect()).toBe(1);
    expect(await probe.fishFor((value) => value === 3)).toBe(3);
    await expect(probe.expectNone(10)).rejects.toThrow("wanted no message for 10 ms and got 4");
    expect(await probe.expect()).toBe(4);
    const silent = probe.expectNone(10);
    await host.advance(10);
    await silent;
    const late = expect(probe.expect(100)).rejects.toThrow("waited 100 ms for a message; 0 messages are here: []");
    await host.advance(100);
    await late;
    const fishing = expect(probe.fishFor(() => false, 50)).rejects.toThrow("that matches");
    probe.ref.send(9);
    await host.advance(50);
    await fishing;
    const nothing = expect(probe.expectSignal(5)).rejects.toThrow("a signal");
    await host.advance(5);
    await nothing;
    const circle: unknown[] = [];
    circle.push(circle);
    probe.ref.send(circle as never);
    await host.settle();
    await expect(probe.expectNone(1)).rejects.toThrow("[object Array]");
    await closeManual(system, host);
  });

  it("gives a block so much time", async () => {
    const { system, host } = manualSystem();
    const probe = new Probe<string>(system);
    const inTime = probe.within(100, () => probe.expect());
    probe.ref.send("quick");
    await host.settle();
    expect(await inTime).toBe("quick");
    const late = expect(probe.within(10, () => new Promise(() => {}))).rejects.toThrow("the block to end");
    await host.advance(10);
    await late;
  });
});

describe("faults", () => {
  const run = async (plan: ConstructorParameters<typeof Faults>[1]) => {
    const { system, host } = manualSystem();
    const seen: number[] = [];
    const ref = system.spawn(actor({ receive: (_state, message: number) => void seen.push(message) }));
    const faults = new Faults(system, plan);
    for (let value = 0; value < 200; value += 1) ref.send(value);
    await host.advance(100);
    faults.heal();
    ref.send(-1);
    await host.settle();
    return { seen, faults };
  };

  it("drop, duplicate, delay and reorder as often as planned, the same way for a seed", async () => {
    const plan = { seed: 7, drop: 0.1, delay: 0.1, reorder: 0.1, duplicate: 0.1 };
    const { seen, faults } = await run(plan);
    const { dropped, duplicated, delayed, reordered } = faults.counts;
    for (const count of [dropped, duplicated, delayed, reordered]) expect(count).toBeGreaterThan(5);
    expect(seen).toHaveLength(201 - dropped + duplicated);
    expect(seen.at(-1)).toBe(-1);
    expect((await run(plan)).seen).toEqual(seen);
    expect((await run({ ...plan, seed: 8 })).seen).not.toEqual(seen);
  });

  it("leave others alone", async () => {
    const { seen, faults } = await run({ drop: 1, only: (_ref, message) => (message as number) % 2 === 0 });
    expect(seen).toHaveLength(101);
    expect(faults.counts.dropped).toBe(100);
    const { seen: all } = await run({});
    expect(all).toHaveLength(201);
    const held = await run({ reorder: 1 });
    expect(held.seen).toHaveLength(201);
  });
});

describe("crashing", () => {
  it("fails the starts and messages that it was told to", async () => {
    const { system, host } = manualSystem({ logReports: false });
    const seen: string[] = [];
    const behavior = actor({
      kind: "fragile",
      trapExits: true,
      mailbox: { capacity: 10, priority: () => 0 },
      onStart: () => void seen.push("start"),
      onRestart: () => void seen.push("restart"),
      receive: (_state, message: string) => void seen.push(message),
      onSignal: () => undefined,
      onStop: (_state, reason) => void seen.push(`stop ${reason.kind}`),
    });
    const start = crashing(behavior, { onMessages: [2], onStarts: [2] });
    expect(start.kind).toBe("fragile");
    await supervise(
      system,
      supervisor({ intensity: { restarts: 9, periodMs: 1 }, children: [child({ id: "a", name: "a", start })] }),
    );
    for (const message of ["one", "two"]) system.named<string>("a").send(message);
    await host.settle();
    system.named<string>("a").send("three");
    await host.settle();
    expect(seen).toEqual(["start", "one", "stop error", "restart", "three"]);
    const bare = system.spawn(crashing(actor({ receive: () => undefined }), { onStarts: [1] }));
    await expect(system.whenStarted(bare)).rejects.toMatchObject({ cause: new InjectedCrash("start 1 was to fail") });
    system.spawn(crashing(actor({ receive: () => undefined }), {}));
    expect(() => crashing(supervisor({}), {})).toThrow(TypeError);
  });
});

describe("the seeded order", () => {
  it("lets actors race, repeatably, and keeps the order between two of them", async () => {
    const race = async (seed: number): Promise<string> => {
      const { system, host } = manualSystem({ slice: seededOrder(seed) });
      const seen: string[] = [];
      const racer = actor({
        onStart: (name: string) => name,
        receive: (name, message: number) => void seen.push(`${name}${message}`),
      });
      const refs = ["a", "b", "c", "d"].map((args) => system.spawn(racer, { args }));
      for (let message = 0; message < 5; message += 1) for (const ref of refs) ref.send(message);
      await host.settle();
      for (const name of ["a", "b", "c", "d"])
        expect(seen.filter((event) => event.startsWith(name))).toEqual(
          [0, 1, 2, 3, 4].map((message) => name + message),
        );
      return seen.join(" ");
    };
    expect(await race(1)).toBe(await race(1));
    const orders = new Set(await Promise.all([1, 2, 3, 4, 5].map(race)));
    expect(orders.size).toBeGreaterThan(1);
  });
});

describe("the leak check", () => {
  it("says what lives, and fails for what is left after a shutdown", async () => {
    const system = realSystem();
    system.spawn(
      actor({
        kind: "leaky",
        onStart: (_args: void, context) => void context.sendAfter(1000, 1),
        receive: () => undefined,
      }),
      { name: "leak" },
    );
    system.groups.join("group", system.named("leak"));
    expect(leaksOf(system)).toEqual({ actors: ["local/leaky.1"], timers: 1, names: ["leak"], groups: ["group"] });
    await shutdownWithoutLeaks(system);
    expect(leaksOf(system)).toEqual({ actors: [], timers: 0, names: [], groups: [] });
    const stubborn = realSystem();
    stubborn.shutdown = () => Promise.resolve();
    for (let index = 0; index < 12; index += 1) stubborn.spawn(actor({ kind: "left", receive: () => undefined }));
    await expect(shutdownWithoutLeaks(stubborn)).rejects.toThrow("left behind: actors local/left.1, local/left.2");
  });

  it("waits for virtual time that never comes to rest only so long", async () => {
    const host = new ManualHost();
    const again = (): void => host.soon(again);
    again();
    await expect(host.settle(100)).rejects.toThrow("did not come to rest within 100 steps");
  });
});
