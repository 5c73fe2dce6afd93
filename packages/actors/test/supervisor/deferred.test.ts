import { describe, expect, it } from "vitest";
import { actor, child, exit, supervise, supervisor } from "@constellation/actors";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";
import { plenty } from "../fixtures/stage.ts";

/** Ends when the test says so. */
function slowlyEnding() {
  const endings = new Map<string, () => void>();
  const log: string[] = [];
  const behavior = actor({
    kind: "slow",
    onStart: (id: string) => {
      log.push(`+${id}`);
      return id;
    },
    receive: (_state, message: "crash" | "end", context) => {
      if (message === "crash") throw new Error("crash");
      context.stop();
    },
    onStop: (id, reason) => {
      log.push(`-${id} ${reason.kind}`);
      if (reason.kind === "shutdown") return new Promise<void>((resolve) => endings.set(id, resolve));
      return undefined;
    },
  });
  return { behavior, endings, log };
}

describe("ends that come while a supervisor waits for another one", () => {
  it("are taken when it comes to those children, and dealt with afterwards when it does not", async () => {
    const { system, host } = manualSystem({ logReports: false });
    const { behavior, endings, log } = slowlyEnding();
    const ids = ["a", "b", "c", "d"];
    const children = ids.map((id) => child({ id, name: id, start: behavior, args: id }));
    const tree = await supervise(system, supervisor({ strategy: "rest_for_one", intensity: plenty, children }));
    log.length = 0;
    const end = async (id: string): Promise<void> => {
      endings.get(id)?.();
      await host.settle();
    };
    // b crashes: d is told to end first, and takes its time. Meanwhile c ends by itself and a crashes.
    system.named<string>("b").send("crash");
    await host.settle();
    expect(log).toEqual(["-b error", "-d shutdown"]);
    system.named<string>("c").send("end");
    await host.settle();
    system.named<string>("a").send("crash");
    await host.settle();
    expect(log.splice(0)).toEqual(["-b error", "-d shutdown", "-c normal", "-a error"]);
    await end("d");
    // c is gone already, b starts, c and d start; then a's turn comes, and all after it end again.
    expect(log.splice(0)).toEqual(["+b", "+c", "+d", "-d shutdown"]);
    await end("d");
    await end("c");
    await end("b");
    expect(log.splice(0)).toEqual(["-c shutdown", "-b shutdown", "+a", "+b", "+c", "+d"]);
    const stopped = tree.stop();
    await host.settle();
    for (const id of ids.toReversed()) await end(id);
    expect(await stopped).toEqual(exit.shutdown);
    await closeManual(system, host);
  });
});
