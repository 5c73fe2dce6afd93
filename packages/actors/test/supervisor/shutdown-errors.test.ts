import { describe, expect, it } from "vitest";
import {
  actor,
  child,
  exit,
  supervise,
  supervisor,
  type ExitReason,
  type SupervisorReport,
} from "@constellation/actors";
import { closeManual } from "../fixtures/quiet-system.ts";
import { stage } from "../fixtures/stage.ts";

/** Ends as it likes when it is told to. */
const wilful = actor({
  kind: "wilful",
  onStart: (reason: ExitReason) => reason,
  receive: () => undefined,
  onStop: (reason) => {
    if (reason.kind === "error") throw reason.error;
    return reason.kind === "killed" ? new Promise<void>(() => {}) : undefined;
  },
});

describe("a child that is told to end", () => {
  it.each([
    ["in order", exit.shutdown, "permanent", 5000, []],
    ["with an error, permanent", exit.error(new Error("late")), "permanent", 5000, ["error"]],
    ["with an error, temporary", exit.error(new Error("late")), "temporary", 5000, ["error"]],
    ["not in time", exit.killed, "transient", 10, ["killed"]],
    ["brutally", exit.killed, "permanent", "brutal_kill", []],
  ] as const)("%s", async (_how, reason, restart, shutdown, expected) => {
    const reports: SupervisorReport[] = [];
    const { system, host } = stage(reports);
    const spec = child({ id: "w", start: wilful, args: reason, restart, shutdown });
    const tree = await supervise(system, supervisor({ children: [spec] }));
    const terminated = tree.terminateChild("w");
    await host.advance(100);
    expect(await terminated).toEqual({ kind: "ok" });
    expect(reports.map((one) => [one.kind, one.child, one.reason.kind])).toEqual(
      expected.map((kind) => ["shutdown-error", "w", kind]),
    );
    await closeManual(system, host);
  });

  it("and has just ended normally is a fault of a permanent one only", async () => {
    for (const [restart, expected] of [
      ["permanent", ["shutdown-error"]],
      ["transient", []],
    ] as const) {
      const reports: SupervisorReport[] = [];
      const { system, host } = stage(reports);
      let finish = (): void => {};
      const quick = actor({
        receive(_state, _message: "end", context) {
          context.stop();
          return new Promise<undefined>((resolve) => (finish = () => resolve(undefined)));
        },
      });
      const spec = child({ id: "w", name: "w", start: quick, restart });
      const tree = await supervise(system, supervisor({ children: [spec] }));
      // It is on its way out already when the supervisor tells it to end.
      system.named<"end">("w").send("end");
      await host.settle();
      const terminated = tree.terminateChild("w");
      finish();
      await host.settle();
      expect(await terminated).toEqual({ kind: "ok" });
      expect(reports.map(({ kind }) => kind)).toEqual(expected);
      await closeManual(system, host);
    }
  });
});
