import { describe, expect, it } from "vitest";
import { actor, child, StartError, supervise, supervisor, SupervisorSpecError } from "@constellation/actors";
import { stage } from "../fixtures/stage.ts";

describe("a spec that cannot be", () => {
  const start = actor({ receive: () => undefined });
  const rows: [string, unknown, string][] = [
    ["strategy", { strategy: "two_for_one" }, 'strategy "two_for_one"'],
    ["auto shutdown", { autoShutdown: "sometimes" }, 'autoShutdown "sometimes"'],
    ["intensity", { intensity: { restarts: -1, periodMs: 1 } }, "intensity.restarts -1"],
    ["period", { intensity: { restarts: 1, periodMs: 0 } }, "intensity.periodMs 0"],
    ["id", { children: [{ id: "", start }] }, 'child id ""'],
    ["id type", { children: [{ id: 5, start }] }, "child id 5"],
    [
      "twice the same id",
      {
        children: [
          { id: "a", start },
          { id: "a", start },
        ],
      },
      'child id "a"',
    ],
    ["start", { children: [{ id: "a", start: () => {} }] }, 'start of child "a"'],
    ["restart", { children: [{ id: "a", start, restart: "always" }] }, 'restart of child "a" "always"'],
    ["shutdown", { children: [{ id: "a", start, shutdown: -5 }] }, 'shutdown of child "a" -5'],
    ["significant", { children: [{ id: "a", start, significant: "yes" }] }, 'significant of child "a" "yes"'],
    [
      "significant and permanent",
      { autoShutdown: "any_significant", children: [{ id: "a", start, significant: true }] },
      "permanent one is always restarted",
    ],
    [
      "significant and never",
      { children: [{ id: "a", start, restart: "transient", significant: true }] },
      'other than "never"',
    ],
    ["backoff initial", { children: [{ id: "a", start, backoff: { initialMs: 0, maxMs: 1 } }] }, "backoff.initialMs"],
    ["backoff max", { children: [{ id: "a", start, backoff: { initialMs: 2, maxMs: 1 } }] }, "backoff.maxMs"],
    [
      "backoff factor",
      { children: [{ id: "a", start, backoff: { initialMs: 1, maxMs: 1, factor: 0.5 } }] },
      "backoff.factor",
    ],
    [
      "backoff jitter",
      { children: [{ id: "a", start, backoff: { initialMs: 1, maxMs: 1, jitter: 2 } }] },
      "backoff.jitter",
    ],
    ["dynamic without child", { strategy: "simple_one_for_one" }, "child undefined"],
    ["dynamic child", { strategy: "simple_one_for_one", child: { start: 1 } }, "start of the child 1"],
  ];
  it.each(rows)("is refused: %s", async (_what, options, text) => {
    expect(() => supervisor(options as object)).toThrow(SupervisorSpecError);
    expect(() => supervisor(options as object)).toThrow(text);
    const { system } = stage();
    await expect(
      supervise(
        system,
        supervisor(() => options as object),
      ),
    ).rejects.toThrow(StartError);
  });

  it("is refused at startChild, too", async () => {
    const { system } = stage();
    const tree = await supervise(system, supervisor({}));
    await expect(tree.startChild(child({ id: "a", start, restart: "x" as "permanent" }))).rejects.toThrow(
      SupervisorSpecError,
    );
  });
});
