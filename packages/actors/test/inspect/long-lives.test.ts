import { describe, expect, it } from "vitest";
import { actor, child, snapshot, supervise, supervisor, tree } from "@constellation/actors";
import { ActorCell, generationLimit, slotLimit } from "../../src/system/actor-cell.ts";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";

const idle = actor({ kind: "idle", receive: () => undefined });

describe("an actor that handles very many messages", () => {
  it("counts them all, and keeps a small integer for it", async () => {
    const { system, host } = manualSystem();
    const ref = system.spawn(idle) as unknown as ActorCell;
    ref.handled = 2 ** 29 - 1;
    ref.send("one");
    await host.settle();
    expect(ref.handled).toBe(0);
    ref.send("two");
    await host.settle();
    expect(ref.handled).toBe(1);
    expect(snapshot(system).tree[0]).toMatchObject({ messages: 2 ** 29 + 1, reductions: 2 ** 29 + 1 });
    await closeManual(system, host);
  });
});

describe("an id", () => {
  it("is a whole number up to the last actor of the last slot, which is not used again", async () => {
    const { system, host } = manualSystem();
    const first = system.spawn(idle) as unknown as ActorCell;
    const cellAt = (slot: number): ActorCell =>
      new ActorCell(system as never, slot, generationLimit - 1, first.script, 0, null, null);
    expect(cellAt(slotLimit - 1).id).toBe(Number.MAX_SAFE_INTEGER);
    const { slot } = first;
    system.kill(first);
    const second = system.spawn(idle);
    expect(second.id).toBe(slotLimit + slot);
    // As if this slot had been used more than a hundred million times.
    system.release(cellAt(slot) as never);
    expect(system.spawn(idle).id).toBe(slot + 1);
    await closeManual(system, host);
  });
});

describe("the tree", () => {
  it("shows a killed actor as dead until what it left behind is gone", async () => {
    const { system, host } = manualSystem({ logReports: false });
    const stubborn = actor({ kind: "stubborn", receive: () => undefined, onStop: () => new Promise<void>(() => {}) });
    const parent = actor({
      kind: "parent",
      onStart: (_args: void, context) => void context.spawn(stubborn),
      receive: () => undefined,
    });
    const top = await supervise(system, supervisor({ children: [child({ id: "p", name: "p", start: parent })] }));
    system.kill((await top.childRef("p"))!);
    expect(tree(system)).toMatch(/p \(parent\.\d+\), dead.*\n +└─ stubborn/);
    expect(snapshot(system).tree[0]?.children[0]).toMatchObject({ status: "dead", childId: "p", names: ["p"] });
    const closed = system.shutdown();
    await host.advance(20_000);
    await closed;
    expect(system.size).toBe(0);
  });
});
