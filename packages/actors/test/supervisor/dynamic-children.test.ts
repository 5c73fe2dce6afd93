import { describe, expect, it } from "vitest";
import { actor, child, DynamicSupervisor, supervise, supervisor, Supervisor } from "@constellation/actors";
import { crashing } from "@constellation/actors/testkit";
import { closeManual } from "../fixtures/quiet-system.ts";
import { plenty, stage } from "../fixtures/stage.ts";

describe("dynamic children", () => {
  it("are started with their own args, restarted with them, and all ended at once", async () => {
    const { system, worker, host, log } = stage();
    const tree = await supervise(
      system,
      supervisor({ strategy: "simple_one_for_one", intensity: plenty, child: { start: worker, shutdown: 100 } }),
    );
    const one = await tree.startChild("1");
    const two = await tree.startChild("2");
    if (one.kind !== "started" || two.kind !== "started") throw new Error("not started");
    log.length = 0;
    one.ref.send("crash");
    await host.settle();
    expect(log.splice(0)).toEqual(["-1 error", "+1"]);
    expect(await tree.countChildren()).toEqual({ specs: 1, active: 2, supervisors: 0, workers: 2 });
    const terminated = tree.terminateChild(two.ref);
    await host.settle();
    expect(await terminated).toEqual({ kind: "ok" });
    expect(await tree.terminateChild(two.ref)).toEqual({ kind: "ok" });
    expect(await tree.terminateChild(tree.ref)).toEqual({ kind: "not_found" });
    expect(await tree.terminateChild(system.named("nobody"))).toEqual({ kind: "not_found" });
    expect((await tree.whichChildren()).map(({ id, type, state }) => [id, type, state.kind])).toEqual([
      [null, "worker", "running"],
    ]);
    const stopping = tree.stop();
    await host.settle();
    await stopping;
    await closeManual(system, host);
  });

  it("that do not end in time are killed together; brutal ones at once; failed ones are tried again", async () => {
    const { system, host, worker } = stage();
    const stubborn = actor({ receive: () => undefined, onStop: () => new Promise(() => {}) });
    for (const shutdown of [100, "brutal_kill"] as const) {
      const tree = await supervise(
        system,
        supervisor({ strategy: "simple_one_for_one", child: { start: stubborn, shutdown } }),
      );
      await tree.startChild(undefined);
      await tree.startChild(undefined);
      const stopping = tree.stop();
      await host.advance(shutdown === 100 ? 100 : 0);
      await stopping;
    }
    const start = crashing(worker, { onStarts: [2, 4], onMessages: [1] });
    const tree = await supervise(
      system,
      supervisor({ strategy: "simple_one_for_one", intensity: plenty, child: { start } }),
    );
    const one = await tree.startChild("1");
    if (one.kind !== "started") throw new Error("not started");
    one.ref.send("normal");
    await host.settle();
    expect((await tree.countChildren()).active).toBe(1);
    expect(await tree.startChild("2")).toMatchObject({ kind: "failed" });
    expect(system.size).toBe(2);
  });

  it("are told apart from a list of specs", async () => {
    const { system, worker } = stage();
    const list = await supervise(system, supervisor({}));
    const dynamic = await supervise(system, supervisor({ strategy: "simple_one_for_one", child: { start: worker } }));
    await expect(new DynamicSupervisor(list.ref).startChild("x")).rejects.toThrow("has a list of specs");
    await expect(new Supervisor(dynamic.ref).startChild(child({ id: "x", start: worker, args: "x" }))).rejects.toThrow(
      "is dynamic",
    );
    expect(await new Supervisor(dynamic.ref).terminateChild("x")).toEqual({ kind: "not_found" });
    expect(await new DynamicSupervisor(list.ref).terminateChild(dynamic.ref)).toEqual({ kind: "not_found" });
    expect(() => new Supervisor(system.spawn(worker, { args: "w" }))).toThrow("as a supervisor");
  });

  it("may be supervisors", async () => {
    const { system, spec, host } = stage();
    const branch = supervisor((ids: string[]) => ({ children: ids.map((id) => spec(id)) }));
    const tree = await supervise(system, supervisor({ strategy: "simple_one_for_one", child: { start: branch } }));
    expect((await tree.startChild(["a", "b"])).kind).toBe("started");
    expect(await tree.countChildren()).toEqual({ specs: 1, active: 1, supervisors: 1, workers: 0 });
    const stopping = tree.stop();
    await host.settle();
    await stopping;
  });
});
