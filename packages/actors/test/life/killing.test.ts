import { describe, expect, it } from "vitest";
import { actor, child, exit, NameTakenError, supervise, supervisor, type ExitReason } from "@constellation/actors";
import { shutdownWithoutLeaks } from "@constellation/actors/testkit";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";
import { plenty, stage } from "../fixtures/stage.ts";

describe("a killed actor", () => {
  it("is dead at once, but its supervisor hears of it when the whole tree below is gone", async () => {
    const { system, host, log, spec } = stage();
    const inner = supervisor({ intensity: plenty, children: [spec("a"), spec("b")] });
    const middle = supervisor({
      intensity: plenty,
      children: [child({ id: "inner", name: "inner", start: inner }), spec("c")],
    });
    const outer = supervisor({ intensity: plenty, children: [child({ id: "middle", name: "middle", start: middle })] });
    await supervise(system, outer, { name: "outer" });
    log.length = 0;
    const killed = system.registry.whereIs("middle");
    const ended = system.whenEnded(killed!);
    system.kill(killed!);
    expect(await ended).toEqual(exit.killed);
    expect(system.registry.whereIs("middle")).toBeUndefined();
    await host.settle();
    // The names are free when the replacement wants them; what is lower ends in its own order.
    expect(log.slice(0, 3).sort()).toEqual(["-a shutdown", "-b shutdown", "-c killed"]);
    expect(log.indexOf("-b shutdown")).toBeLessThan(log.indexOf("-a shutdown"));
    expect(log.slice(3)).toEqual(["+a", "+b", "+c"]);
    expect(system.registry.names()).toEqual(["outer", "middle", "inner", "a", "b", "c"]);
    await closeManual(system, host);
  });

  it("leaves children that have as long as any stop to end, and are killed then", async () => {
    const { system, host } = manualSystem({ stopTimeoutMs: 100, logReports: false });
    const ends: string[] = [];
    const stubborn = actor({
      kind: "stubborn",
      onStart: (_args: void, context) => context.spawn(leaf, { name: "leaf" }),
      receive: () => undefined,
      onStop: () => new Promise<void>(() => {}),
    });
    const leaf = actor({
      kind: "leaf",
      receive: () => undefined,
      onStop: (_state, reason) => void ends.push(reason.kind),
    });
    const top = actor({
      kind: "top",
      onStart: (_args: void, context) => context.spawn(stubborn, { name: "stubborn" }),
      receive: () => undefined,
    });
    const tree = await supervise(system, supervisor({ children: [child({ id: "top", name: "top", start: top })] }));
    const first = await tree.childRef("top");
    system.kill(first!);
    await host.settle();
    expect(ends).toEqual(["shutdown"]);
    expect(system.registry.names()).toEqual(["stubborn"]);
    // Once more: of a dead actor it kills what it has left behind.
    system.kill(first!);
    await host.settle();
    expect(system.registry.names()).toEqual(["top", "stubborn", "leaf"]);
    system.kill((await tree.childRef("top"))!);
    await host.advance(99);
    expect(system.registry.names()).toEqual(["stubborn"]);
    await host.advance(2);
    // One restart in five seconds was allowed: the supervisor has given up.
    expect(system.registry.names()).toEqual([]);
    await closeManual(system, host);
  });

  it("inside of its own start, with children, is a start that failed with `killed`", async () => {
    const { system, host } = manualSystem({ logReports: false });
    const idle = actor({ receive: () => undefined });
    const suicidal = actor({
      kind: "suicidal",
      onStart(_args: void, context) {
        context.spawn(idle);
        system.kill(context.self);
      },
      receive: () => undefined,
    });
    const reasons: ExitReason[] = [];
    const tree = await supervise(system, supervisor({}));
    const outcome = await tree.startChild(child({ id: "x", start: suicidal }));
    if (outcome.kind === "failed") reasons.push(outcome.reason);
    expect(reasons).toEqual([exit.killed]);
    await host.settle();
    expect(system.size).toBe(1);
    await closeManual(system, host);
  });
});

describe("a supervisor", () => {
  it("knows itself when it makes its options, so that a dynamic one can take a name", async () => {
    const { system, host } = manualSystem({ logReports: false });
    const named = supervisor((name: string, self) => {
      system.registry.register(name, self);
      return {};
    });
    const dynamic = supervisor({ strategy: "simple_one_for_one", intensity: plenty, child: { start: named } });
    const tree = await supervise(system, dynamic);
    const started = await tree.startChild("one");
    expect(started).toEqual({ kind: "started", ref: system.registry.whereIs("one") });
    expect(await tree.startChild("one")).toMatchObject({
      kind: "failed",
      reason: { error: expect.any(NameTakenError) as Error },
    });
    system.kill(system.registry.whereIs("one")!);
    await host.settle();
    expect(system.registry.whereIs("one")).toBeDefined();
    expect(system.registry.whereIs("one")).not.toBe(started.kind === "started" && started.ref);
    await closeManual(system, host);
  });
});

describe("a shutdown", () => {
  it("kills what does not end in its time, down to the last actor", async () => {
    const { system, host } = manualSystem({ stopTimeoutMs: 100 });
    const stuck = actor({ kind: "stuck", receive: () => new Promise(() => {}) });
    const parent = actor({
      kind: "parent",
      onStart: (_args: void, context) => void context.spawn(stuck).send("work"),
      receive: () => undefined,
    });
    system.spawn(parent);
    system.spawn(stuck).send("work");
    const closed = shutdownWithoutLeaks(system);
    await host.advance(100);
    await closed;
  });
});
