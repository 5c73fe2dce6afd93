import { describe, expect, it } from "vitest";
import { child, exit, supervise, supervisor, type SupervisorReport } from "@constellation/actors";
import { plenty, stage, type Order } from "../fixtures/stage.ts";

describe("intensity", () => {
  it("counts restarts in a sliding window on the host's clock", async () => {
    const reports: SupervisorReport[] = [];
    const { system, spec, host } = stage(reports);
    const tree = await supervise(
      system,
      supervisor({ intensity: { restarts: 2, periodMs: 1000 }, children: [spec("a")] }),
    );
    const crash = async (): Promise<void> => {
      system.registry.whereIs<Order>("a")?.send("crash");
      await host.settle();
    };
    await crash();
    await host.advance(600);
    await crash();
    await host.advance(600);
    await crash();
    expect(system.find(tree.ref.id)).toBeDefined();
    const ended = system.whenEnded(tree.ref);
    await crash();
    expect(await ended).toEqual(exit.shutdown);
    expect(reports.map(({ kind }) => kind)).toEqual([
      ...Array.from({ length: 3 }, () => ["child-terminated", "restarted"]).flat(),
      "child-terminated",
      "gave-up",
    ]);
    expect(system.size).toBe(0);
  });

  it("of 0 gives up at the first crash, and is 1 in 5 s when not given", async () => {
    const { system, spec, tell } = stage();
    await supervise(system, supervisor({ intensity: { restarts: 0, periodMs: 1 }, children: [spec("a")] }));
    expect(await tell("a", "crash")).toEqual(["-a error"]);
    await supervise(system, supervisor({ children: [spec("b")] }));
    expect(await tell("b", "crash")).toEqual(["-b error", "+b"]);
    expect(await tell("b", "crash")).toEqual(["-b error", "+b"]);
    system.registry.whereIs<Order>("b")?.send("crash");
    expect(await tell("b", "crash")).toEqual(["-b error", "+b"]);
    expect(system.size).toBe(2);
  });

  it("takes the whole branch down, which the supervisor above restarts", async () => {
    const { system, spec, tell } = stage();
    const branch = supervisor({ intensity: { restarts: 0, periodMs: 1000 }, children: [spec("x"), spec("y")] });
    await supervise(
      system,
      supervisor({ intensity: plenty, children: [spec("a"), child({ id: "branch", start: branch })] }),
    );
    expect(await tell("x", "crash")).toEqual(["-x error", "-y shutdown", "+x", "+y"]);
  });
});
