import { describe, expect, it } from "vitest";
import { actor, child, supervise, supervisor, type Context } from "@constellation/actors";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";
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

  it("does not count the wait as time that the child ran, whether it crashes or does not even start", async () => {
    for (const fault of ["crash", "start"] as const) {
      const { system, host } = manualSystem({ logReports: false });
      const endedMs: number[] = [];
      const waits: number[] = [];
      const fragile = actor({
        async onStart(_args: void, context: Context<"crash">) {
          if (endedMs.length > 0) waits.push(host.nowMs() - (endedMs.at(-1) ?? 0));
          if (fault === "crash" || endedMs.length === 0) return void context.sendAfter(5, "crash");
          await new Promise<void>((resolve) => void host.after(5, resolve));
          endedMs.push(host.nowMs());
          throw new Error("does not start");
        },
        receive() {
          endedMs.push(host.nowMs());
          throw new Error("crashes");
        },
      });
      const backoff = { initialMs: 10, maxMs: 100, jitter: 0 };
      const tree = supervise(
        system,
        supervisor({ intensity: plenty, children: [child({ id: "a", start: fragile, backoff })] }),
      );
      await host.advance(1500);
      await tree;
      expect(waits.slice(0, 10)).toEqual([10, 20, 40, 80, 100, 100, 100, 100, 100, 100]);
      await closeManual(system, host);
    }
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
