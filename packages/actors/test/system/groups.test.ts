import { describe, expect, it } from "vitest";
import { Probe } from "@constellation/actors/testkit";
import { manualSystem } from "../fixtures/quiet-system.ts";

describe("groups", () => {
  it("work as pg: several joins, broadcast, pick in turn and at random, and are left at the end", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    const changes: string[] = [];
    const unsubscribe = system.groups.subscribe(({ kind, group }) => changes.push(`${kind} ${group}`));
    const one = new Probe<number>(system);
    const two = new Probe<number>(system);
    system.groups.join("g", one.ref);
    system.groups.join("g", two.ref);
    system.groups.join("g", one.ref);
    expect(system.groups.members("g")).toEqual([one.ref, two.ref, one.ref]);
    expect(system.groups.broadcast("g", 7)).toBe(3);
    await host.settle();
    expect([one.waiting, two.waiting]).toEqual([2, 1]);
    expect([1, 2, 3, 4].map(() => system.groups.pick("g"))).toEqual([one.ref, two.ref, one.ref, one.ref]);
    expect([one.ref, two.ref]).toContain(system.groups.pick("g", "random"));
    expect(system.groups.leave("g", two.ref)).toBe(true);
    expect(system.groups.leave("g", two.ref)).toBe(false);
    expect(system.groups.leave("g", system.named("nobody"))).toBe(false);
    system.groups.join("h", one.ref);
    system.kill(one.ref);
    expect(system.groups.groups()).toEqual([]);
    expect(system.groups.pick("g")).toBeUndefined();
    expect(system.groups.members("g")).toEqual([]);
    expect(system.groups.broadcast("g", 1)).toBe(0);
    expect(() => system.groups.join("g", one.ref)).toThrow("does not live");
    unsubscribe();
    system.groups.join("g", two.ref);
    expect(changes).toEqual(["join g", "join g", "join g", "leave g", "join h", "leave g", "leave g", "leave h"]);
  });
});
