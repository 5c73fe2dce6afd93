import { describe, expect, it } from "vitest";
import { actor, ActorSystem, child, supervise, supervisor } from "@constellation/actors";

const worker = actor({
  kind: "worker",
  receive(_state, message: "crash") {
    throw new Error(message);
  },
});

describe("one_for_one", () => {
  it("restarts only the child that crashed", async () => {
    const system = new ActorSystem({ logReports: false });
    const tree = await supervise(
      system,
      supervisor({ children: [child({ id: "a", start: worker }), child({ id: "b", start: worker })] }),
    );
    const a = await tree.childRef<"crash">("a");
    const b = await tree.childRef<"crash">("b");
    a?.send("crash");
    await system.whenEnded(a!);
    expect((await tree.childRef("a"))?.id).not.toBe(a?.id);
    expect((await tree.childRef("b"))?.id).toBe(b?.id);
    expect(await tree.countChildren()).toEqual({ specs: 2, active: 2, supervisors: 0, workers: 2 });
    await system.shutdown();
    expect(system.size).toBe(0);
  });

  it("gives up after more restarts than its intensity allows", async () => {
    const system = new ActorSystem({ logReports: false });
    const tree = await supervise(system, supervisor({ children: [child({ id: "a", start: worker })] }));
    const ended = system.whenEnded(tree.ref);
    for (let crash = 0; crash < 2; crash += 1) {
      const ref = await tree.childRef<"crash">("a");
      ref?.send("crash");
      await system.whenEnded(ref!);
    }
    expect(await ended).toEqual({ kind: "shutdown" });
    await system.shutdown();
  });
});
