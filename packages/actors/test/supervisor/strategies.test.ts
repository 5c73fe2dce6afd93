import { describe, expect, it } from "vitest";
import { exit, supervise, supervisor, type RestartType, type Strategy } from "@constellation/actors";
import { closeManual } from "../fixtures/quiet-system.ts";
import { plenty, stage, type Order } from "../fixtures/stage.ts";

describe("strategy", () => {
  const rows: [Strategy, string[]][] = [
    ["one_for_one", ["-b error", "+b"]],
    ["one_for_all", ["-b error", "-c shutdown", "-a shutdown", "+a", "+b", "+c"]],
    ["rest_for_one", ["-b error", "-c shutdown", "+b", "+c"]],
  ];
  it.each(rows)("%s restarts whom it should, in order", async (strategy, expected) => {
    const { system, spec, tell, host, log } = stage();
    const tree = await supervise(
      system,
      supervisor({ strategy, intensity: plenty, children: ["a", "b", "c"].map((id) => spec(id)) }),
    );
    expect(log.splice(0)).toEqual(["+a", "+b", "+c"]);
    expect(await tell("b", "crash")).toEqual(expected);
    const stopping = tree.stop();
    await host.settle();
    expect(await stopping).toEqual(exit.shutdown);
    expect(log).toEqual(["-c shutdown", "-b shutdown", "-a shutdown"]);
    await closeManual(system, host);
  });
});

describe("restart type", () => {
  const rows: [RestartType, Order, boolean][] = [
    ["permanent", "crash", true],
    ["permanent", "normal", true],
    ["permanent", "shutdown", true],
    ["transient", "crash", true],
    ["transient", "normal", false],
    ["transient", "shutdown", false],
    ["temporary", "crash", false],
    ["temporary", "normal", false],
  ];
  it.each(rows)("%s child that ends with %s: restarted %s", async (restart, order, isRestarted) => {
    const { system, spec, tell } = stage();
    const tree = await supervise(system, supervisor({ intensity: plenty, children: [spec("a", { restart })] }));
    const events = await tell("a", order);
    expect(events.includes("+a")).toBe(isRestarted);
    const [info] = await tree.whichChildren();
    if (restart === "temporary") expect(info).toBeUndefined();
    else expect(info?.state.kind).toBe(isRestarted ? "running" : "stopped");
  });
});
