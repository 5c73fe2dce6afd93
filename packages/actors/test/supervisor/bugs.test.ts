import { describe, expect, it } from "vitest";
import { actor, child, exit, supervise, supervisor, type ChildInfo } from "@constellation/actors";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";
import { plenty } from "../fixtures/stage.ts";

const crashing = actor({
  kind: "crashing",
  receive: () => {
    throw new Error("crash");
  },
});

describe("a supervisor whose hook throws", () => {
  it("ends with that error, and its children with it", async () => {
    const { system, host } = manualSystem({
      logReports: false,
      hooks: {
        onReport: () => {
          throw new Error("a bug in the hook");
        },
      },
    });
    const tree = await supervise(system, supervisor({ children: [child({ id: "c", name: "c", start: crashing })] }));
    const ended = system.whenEnded(tree.ref);
    system.named<string>("c").send("now");
    const answer = tree.whichChildren();
    await host.settle();
    expect(await ended).toMatchObject({ kind: "error", error: { message: "a bug in the hook" } });
    expect(await answer.catch((error: Error) => error.message)).toBeDefined();
    expect(system.size).toBe(0);
    await closeManual(system, host);
  });
});

describe("calls while a child starts slowly", () => {
  it("are answered in their order, behind the exits that came before them", async () => {
    const { system, host } = manualSystem({ logReports: false });
    const starts: (() => void)[] = [];
    const slow = actor({
      kind: "slow",
      onStart: () => new Promise<undefined>((resolve) => starts.push(() => resolve(undefined))),
      receive: () => undefined,
    });
    const quick = actor({ kind: "quick", receive: (_state, _message: "end", context) => context.stop() });
    const tree = await supervise(
      system,
      supervisor({ intensity: plenty, children: [child({ id: "q", name: "q", start: quick, restart: "transient" })] }),
    );
    const order: string[] = [];
    const note = (text: string) => (info?: unknown) => void order.push(`${text} ${show(info)}`);
    void tree.startChild(child({ id: "s1", start: slow })).then(note("s1"));
    void tree.whichChildren().then(note("before"));
    system.named<"end">("q").send("end");
    await host.settle();
    void tree.startChild(child({ id: "s2", start: slow })).then(note("s2"));
    void tree.whichChildren().then(note("after"));
    await host.settle();
    expect(order).toEqual([]);
    starts.shift()?.();
    await host.settle();
    starts.shift()?.();
    await host.settle();
    expect(order).toEqual([
      "s1 started",
      "before q:running,s1:running",
      "s2 started",
      "after q:stopped,s1:running,s2:running",
    ]);
    const stopped = tree.stop();
    await host.settle();
    expect(await stopped).toEqual(exit.shutdown);
    await closeManual(system, host);
  });
});

function show(info: unknown): string {
  if (!Array.isArray(info)) return (info as { kind: string }).kind;
  return (info as ChildInfo[]).map(({ id, state }) => `${id}:${state.kind}`).join(",");
}
