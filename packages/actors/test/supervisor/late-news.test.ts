import { describe, expect, it } from "vitest";
import { actor, supervise, supervisor, type Context } from "@constellation/actors";
import { manualSystem } from "../fixtures/quiet-system.ts";

describe("a supervisor", () => {
  it("does not mind exits of others, nor alarms that came too late", async () => {
    const { system, host } = manualSystem({ logReports: false });
    const tree = await supervise(system, supervisor({}));
    const other = system.spawn(
      actor({
        onStart: (_args: void, context: Context<string>) => context.link(tree.ref),
        receive: () => {
          throw new Error("not a child");
        },
      }),
    );
    other.send("crash");
    await host.settle();
    expect(await tree.countChildren()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 });
    system.kill(tree.ref);
    await expect(tree.countChildren()).rejects.toThrow("count children");
  });

  it("forgets a temporary child that ignores, and says which dynamic child crashed", async () => {
    const { system, host } = manualSystem();
    const { ignore } = await import("@constellation/actors");
    const ignoring = actor({ onStart: () => ignore, receive: () => undefined });
    const tree = await supervise(
      system,
      supervisor({ children: [{ id: "i", start: ignoring, restart: "temporary" }] }),
    );
    expect(await tree.whichChildren()).toEqual([]);
    const fragile = actor({
      kind: "fragile",
      receive: () => {
        throw new Error("x");
      },
    });
    const many = await supervise(
      system,
      supervisor({
        strategy: "simple_one_for_one",
        child: { start: fragile, restart: "temporary", mailbox: { capacity: 2 } },
      }),
    );
    const one = await many.startChild(undefined);
    if (one.kind === "started") one.ref.send(1);
    await host.settle();
    expect(host.lines.at(-1)?.text).toContain("child ended, local/fragile");
    expect((await many.countChildren()).active).toBe(0);
  });
});
