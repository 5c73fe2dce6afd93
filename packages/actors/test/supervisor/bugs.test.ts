import { describe, expect, it } from "vitest";
import {
  actor,
  ActorSystem,
  child,
  exit,
  supervise,
  supervisor,
  type ChildInfo,
  type ChildStartError,
  type StartError,
} from "@constellation/actors";
import { ManualHost } from "@constellation/actors/testkit";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";
import { plenty } from "../fixtures/stage.ts";

const crashing = actor({
  kind: "crashing",
  receive: () => {
    throw new Error("crash");
  },
});

/** A host whose log fails once. */
class FailingLog extends ManualHost {
  #hasFailed = false;

  override log(...line: Parameters<ManualHost["log"]>): void {
    super.log(...line);
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    throw new Error("the log is full");
  }
}

describe("a supervisor that cannot say what happened", () => {
  it("ends with that error, and its children with it", async () => {
    const host = new FailingLog();
    const system = new ActorSystem({ host });
    const tree = await supervise(system, supervisor({ children: [child({ id: "c", name: "c", start: crashing })] }));
    const ended = system.whenEnded(tree.ref);
    system.named<string>("c").send("now");
    const answer = tree.whichChildren();
    await host.settle();
    expect(await ended).toMatchObject({ kind: "error", error: { message: "the log is full" } });
    expect(await answer.catch((error: Error) => error.message)).toBeDefined();
    expect(system.size).toBe(0);
    await closeManual(system, host);
  });
});

describe("a call out of a child's own start", () => {
  it("waits until the child has started", async () => {
    const { system, host } = manualSystem({ logReports: false });
    const tree = await supervise(system, supervisor({}));
    const seen: Promise<ChildInfo[]>[] = [];
    const curious = actor({ onStart: () => void seen.push(tree.whichChildren()), receive: () => undefined });
    expect((await tree.startChild(child({ id: "one", start: curious }))).kind).toBe("started");
    expect(show(await seen[0])).toBe("one:running");
    await closeManual(system, host);
  });
});

describe("a supervisor that is killed while it waits", () => {
  it("refuses the calls that it has put off, and lets go of the rest", async () => {
    const { system, host } = manualSystem({ logReports: false });
    const stubborn = actor({
      receive: (_state, _message: "end", context) => context.stop(),
      onStop: (_state, reason) => (reason.kind === "shutdown" ? new Promise<void>(() => {}) : undefined),
    });
    const spec = (id: string) => child({ id, name: id, start: stubborn, shutdown: "infinity", restart: "temporary" });
    const tree = await supervise(system, supervisor({ children: [spec("a"), spec("b")] }));
    const terminating = tree.terminateChild("a").catch((error: Error) => error.message);
    const counting = tree.countChildren().catch((error: Error) => error.message);
    await host.settle();
    system.named<"end">("b").send("end");
    await host.settle();
    system.kill(tree.ref);
    expect(await terminating).toMatch(/^Cannot terminate child: supervisor local\/supervisor\.\d+ has ended$/);
    expect(await counting).toMatch(/^Cannot count children: supervisor local\/supervisor\.\d+ has ended$/);
    await expect(tree.whichChildren()).rejects.toThrow("Cannot which children");
    const closed = system.shutdown();
    await host.advance(20_000);
    await closed;
    expect(system.size).toBe(0);
  });
});

describe("a start that failed", () => {
  it("says which child it was, and why, whatever that is", async () => {
    const { system, host } = manualSystem({ logReports: false });
    const cause = new Error("no disk");
    const failing = actor({
      onStart: () => {
        throw cause;
      },
      receive: () => undefined,
    });
    const stopping = actor({ onStart: (_args: void, context) => context.stop(), receive: () => undefined });
    const errorOf = async (start: typeof failing): Promise<ChildStartError> => {
      const error: StartError = await supervise(system, supervisor({ children: [child({ id: "x", start })] })).then(
        () => Promise.reject(new Error("it started")),
        (thrown: StartError) => thrown,
      );
      expect(error.reason.kind).toBe("shutdown");
      return (error.reason as { detail: ChildStartError }).detail;
    };
    const failed = await errorOf(failing);
    expect(failed).toMatchObject({ name: "ChildStartError", child: "x", cause });
    expect(failed.message).toMatch(/^Cannot start local\/supervisor\.\d+: its child "x" did not start$/);
    expect((await errorOf(stopping)).cause).toEqual(exit.normal);
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
