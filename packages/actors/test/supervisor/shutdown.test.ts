import { describe, expect, it } from "vitest";
import {
  actor,
  child,
  exit,
  supervise,
  supervisor,
  type ActorRef,
  type ExitReason,
  type SupervisorReport,
} from "@constellation/actors";
import { stage } from "../fixtures/stage.ts";

describe("shutdown", () => {
  it("is brutal, or waits as long as it says, or for ever", async () => {
    const reports: SupervisorReport[] = [];
    const { system, host, worker } = stage(reports);
    const slow = actor({
      receive: () => undefined,
      onStop: () => new Promise((resolve) => void host.after(500, () => resolve())),
    });
    const reasonOf = async (
      shutdown: "brutal_kill" | "infinity" | number,
      start: typeof slow | typeof worker,
    ): Promise<ExitReason> => {
      const tree = await supervise(system, supervisor({ children: [{ id: "a", start, args: "a", shutdown }] }));
      const ended = system.whenEnded((await tree.childRef("a")) as ActorRef<never>);
      const terminated = tree.terminateChild("a");
      await host.advance(1000);
      expect(await terminated).toEqual({ kind: "ok" });
      return ended;
    };
    expect(await reasonOf("brutal_kill", worker)).toEqual(exit.killed);
    expect(await reasonOf(100, slow)).toEqual(exit.killed);
    expect(await reasonOf(1000, slow)).toEqual(exit.shutdown);
    expect(await reasonOf("infinity", slow)).toEqual(exit.shutdown);
    expect(reports.map(({ kind }) => kind)).toEqual(["shutdown-error"]);
  });

  it("of a supervisor waits for its whole tree", async () => {
    const { system, host, spec, log } = stage();
    const inner = supervisor({ children: [spec("x"), spec("y")] });
    const tree = await supervise(
      system,
      supervisor({ children: [spec("a"), child({ id: "inner", start: inner }), spec("b")] }),
    );
    log.length = 0;
    const stopping = tree.stop();
    await host.settle();
    await stopping;
    expect(log).toEqual(["-b shutdown", "-y shutdown", "-x shutdown", "-a shutdown"]);
  });
});
