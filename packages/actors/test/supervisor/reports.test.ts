import { describe, expect, it } from "vitest";
import { actor, child, exit, supervise, supervisor, type ExitReason } from "@constellation/actors";
import { manualSystem } from "../fixtures/quiet-system.ts";
import { plenty } from "../fixtures/stage.ts";

describe("onRestart", () => {
  it("gets the reason of the actor before, and errors after the first of a row have no stack", async () => {
    const { system, host } = manualSystem({ logReports: false });
    const reasons: ExitReason[] = [];
    const start = actor({
      onStart: () => 0,
      onRestart: (_args: void, reason) => {
        reasons.push(reason);
        return reasons.length;
      },
      receive: (_state, message: string) => {
        throw new Error(message);
      },
    });
    await supervise(system, supervisor({ intensity: plenty, children: [child({ id: "a", name: "a", start })] }));
    for (const message of ["first", "second"]) {
      system.named<string>("a").send(message);
      await host.settle();
    }
    // An hour later it is another row, and perhaps another fault.
    await host.advance(3_600_000);
    system.named<string>("a").send("third");
    await host.settle();
    const stacks = reasons.map((reason) =>
      reason.kind === "error" ? String((reason.error as Error).stack).split("\n").length : 0,
    );
    expect(stacks[0]).toBeGreaterThan(1);
    expect(stacks[1]).toBe(1);
    expect(stacks[2]).toBeGreaterThan(1);
    expect(Error.stackTraceLimit).toBeGreaterThan(0);
    system.kill(system.named("a"));
    await host.settle();
    expect(reasons.at(-1)).toEqual(exit.killed);
  });
});

describe("the log", () => {
  it("says what happened, but not again for a child that goes on crashing", async () => {
    const { system, host } = manualSystem();
    const start = actor({
      receive: () => {
        throw new Error("oh no");
      },
    });
    await supervise(
      system,
      supervisor({ intensity: { restarts: 2, periodMs: 1000 }, children: [child({ id: "a", name: "a", start })] }),
    );
    for (let crash = 0; crash < 3; crash += 1) {
      system.named<string>("a").send("x");
      await host.settle();
    }
    expect(host.lines.map(({ level, text }) => `${level} ${text.replace(/\d+/, "N")}`)).toEqual([
      "warn local/supervisor.N: child ended, a: error: oh no",
      "error local/supervisor.N: too many restarts, the last of a: error: oh no",
    ]);
  });
});
