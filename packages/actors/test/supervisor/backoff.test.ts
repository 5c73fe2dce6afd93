import { describe, expect, it } from "vitest";
import { supervise, supervisor } from "@constellation/actors";
import { closeManual } from "../fixtures/quiet-system.ts";
import { plenty, stage, type Order } from "../fixtures/stage.ts";

describe("backoff", () => {
  it("waits longer before each restart in a row, and forgets after a quiet time", async () => {
    const { system, spec, host, log } = stage();
    const backoff = { initialMs: 100, maxMs: 1000, jitter: 0, resetAfterMs: 5000 };
    const tree = await supervise(system, supervisor({ intensity: plenty, children: [spec("a", { backoff })] }));
    const waits: number[] = [];
    for (let crash = 0; crash < 6; crash += 1) {
      if (crash === 5) await host.advance(6000);
      log.length = 0;
      system.registry.whereIs<Order>("a")?.send("crash");
      await host.settle();
      expect(await tree.restartChild("a")).toEqual({ kind: "restarting" });
      expect(await tree.deleteChild("a")).toEqual({ kind: "restarting" });
      const from = host.nowMs();
      while (!log.includes("+a")) await host.advance(10);
      waits.push(host.nowMs() - from);
    }
    expect(waits).toEqual([100, 200, 400, 800, 1000, 100]);
  });

  it("holds the group back, and is called off by terminateChild and by the end", async () => {
    const { system, spec, host, log, worker } = stage();
    const backoff = { initialMs: 100, maxMs: 1000 };
    const tree = await supervise(
      system,
      supervisor({ strategy: "one_for_all", intensity: plenty, children: [spec("a"), spec("b", { backoff })] }),
    );
    log.length = 0;
    system.registry.whereIs<Order>("b")?.send("crash");
    await host.settle();
    expect(log.splice(0)).toEqual(["-b error", "-a shutdown"]);
    expect((await tree.whichChildren()).map(({ state }) => state.kind)).toEqual(["stopped", "restarting"]);
    await host.advance(100);
    expect(log.splice(0)).toEqual(["+a", "+b"]);
    system.registry.whereIs<Order>("b")?.send("crash");
    await host.settle();
    expect(await tree.terminateChild("b")).toEqual({ kind: "ok" });
    await host.advance(1000);
    expect(system.alarms.size).toBe(0);
    expect((await tree.whichChildren()).map(({ state }) => state.kind)).toEqual(["stopped", "stopped"]);
    expect((await tree.restartChild("b")).kind).toBe("started");
    system.registry.whereIs<Order>("b")?.send("crash");
    await host.settle();
    system.kill(tree.ref);
    expect(system.alarms.size).toBe(0);
    const dynamic = await supervise(
      system,
      supervisor({ strategy: "simple_one_for_one", intensity: plenty, child: { start: worker, backoff } }),
    );
    for (const id of ["1", "2"]) {
      const one = await dynamic.startChild(id);
      if (one.kind === "started") one.ref.send("crash");
    }
    await host.settle();
    expect((await dynamic.whichChildren()).map(({ state }) => state.kind)).toEqual(["restarting", "restarting"]);
    expect(await dynamic.countChildren()).toMatchObject({ active: 0, workers: 2 });
    const stopping = dynamic.stop();
    await host.settle();
    await stopping;
    await closeManual(system, host);
  });
});
