import { describe, expect, it } from "vitest";
import { exit, supervise, supervisor } from "@constellation/actors";
import { stage } from "../fixtures/stage.ts";

describe("auto_shutdown", () => {
  const rows: ["any_significant" | "all_significant", string[], boolean][] = [
    ["any_significant", ["a"], true],
    ["all_significant", ["a"], false],
    ["all_significant", ["a", "b"], true],
    ["any_significant", ["c"], false],
  ];
  it.each(rows)("%s after %j ended in order: ends itself %s", async (autoShutdown, ended, isDown) => {
    const { system, spec, tell } = stage();
    const significant = { restart: "transient", significant: true } as const;
    const children = [spec("a", significant), spec("b", significant), spec("c", { restart: "transient" })];
    const tree = await supervise(system, supervisor({ autoShutdown, children }));
    for (const id of ended) await tell(id, "normal");
    expect(system.find(tree.ref.id) === undefined).toBe(isDown);
  });

  it("does not count a child that the supervisor ended", async () => {
    const { system, spec, host } = stage();
    const children = [spec("a", { restart: "temporary", significant: true })];
    const tree = await supervise(system, supervisor({ autoShutdown: "any_significant", children }));
    const terminated = tree.terminateChild("a");
    await host.settle();
    expect(await terminated).toEqual({ kind: "ok" });
    expect(system.find(tree.ref.id)).toBeDefined();
  });

  it("works for dynamic children", async () => {
    const { system, worker, host } = stage();
    const tree = await supervise(
      system,
      supervisor({
        strategy: "simple_one_for_one",
        autoShutdown: "all_significant",
        child: { start: worker, restart: "temporary", significant: true },
      }),
    );
    const ended = system.whenEnded(tree.ref);
    const one = await tree.startChild("1");
    const two = await tree.startChild("2");
    if (one.kind !== "started" || two.kind !== "started") throw new Error("not started");
    one.ref.send("normal");
    await host.settle();
    expect((await tree.countChildren()).active).toBe(1);
    two.ref.send("crash");
    await host.settle();
    expect(await ended).toEqual(exit.shutdown);
  });
});
