import { describe, expect, it } from "vitest";
import {
  actor,
  child,
  ChildStartError,
  describeExit,
  exit,
  ignore,
  StartError,
  supervise,
  supervisor,
  type ActorRef,
  type SupervisorReport,
} from "@constellation/actors";
import { crashing, InjectedCrash } from "@constellation/actors/testkit";
import { stage, type Order } from "../fixtures/stage.ts";

describe("children", () => {
  it("are started, terminated, restarted and deleted one by one", async () => {
    const { system, host, spec } = stage();
    const tree = await supervise(system, supervisor({}));
    const settle = async <Value>(promise: Promise<Value>): Promise<Value> => {
      await host.settle();
      return promise;
    };
    const started = await tree.startChild(spec("a"));
    expect(started.kind).toBe("started");
    expect(await tree.startChild(spec("a"))).toEqual({ ...started, kind: "already_started" });
    expect(await tree.deleteChild("a")).toEqual({ kind: "running" });
    expect(await tree.restartChild("a")).toEqual({ kind: "running" });
    expect(await settle(tree.terminateChild("a"))).toEqual({ kind: "ok" });
    expect(await tree.startChild(spec("a"))).toEqual({ kind: "already_present" });
    expect((await tree.restartChild("a")).kind).toBe("started");
    expect(await tree.getChildSpec("a")).toMatchObject({ id: "a", args: "a" });
    expect(await tree.countChildren()).toEqual({ specs: 1, active: 1, supervisors: 0, workers: 1 });
    expect(await settle(tree.terminateChild("a"))).toEqual({ kind: "ok" });
    expect(await tree.deleteChild("a")).toEqual({ kind: "ok" });
    for (const answer of [tree.deleteChild("a"), tree.restartChild("a"), tree.terminateChild("a")])
      expect(await answer).toEqual({ kind: "not_found" });
    expect(await tree.getChildSpec("a")).toBeUndefined();
    expect(await tree.childRef("a")).toBeUndefined();
    expect(await tree.whichChildren()).toEqual([]);
  });

  it("can say ignore, or fail to start", async () => {
    const { system } = stage();
    const tree = await supervise(system, supervisor({}));
    const ignoring = actor({ onStart: () => ignore, receive: () => undefined });
    const failing = actor({
      onStart: () => {
        throw new Error("no");
      },
      receive: () => undefined,
    });
    expect(await tree.startChild(child({ id: "i", start: ignoring }))).toEqual({ kind: "ignored" });
    expect(await tree.startChild(child({ id: "t", start: ignoring, restart: "temporary" }))).toEqual({
      kind: "ignored",
    });
    expect(await tree.startChild(child({ id: "f", start: failing }))).toMatchObject({ kind: "failed" });
    expect((await tree.whichChildren()).map(({ id, state }) => [id, state.kind])).toEqual([["i", "stopped"]]);
    expect((await tree.restartChild("i")).kind).toBe("ignored");
    const twin = { id: "n", name: "taken", start: actor({ receive: () => undefined }) };
    expect((await tree.startChild(child(twin))).kind).toBe("started");
    expect(await tree.startChild(child({ ...twin, id: "m" }))).toMatchObject({
      kind: "failed",
      reason: { error: { name: "NameTakenError" } },
    });
  });

  it("that fail take the start of their supervisor down, after those that did start", async () => {
    const { system, host, spec, log, worker } = stage();
    const failing = crashing(worker, { onStarts: [1] });
    const starting = supervise(
      system,
      supervisor({ children: [spec("a"), child({ id: "b", start: failing, args: "b" })] }),
    );
    const caught = expect(starting).rejects.toMatchObject({ name: "StartError" });
    await host.settle();
    await caught;
    expect(log).toEqual(["+a", "-a shutdown"]);
    const error = await starting.catch((problem: unknown) => problem);
    if (!(error instanceof StartError) || error.reason.kind !== "shutdown") throw new Error("wanted a StartError");
    expect(error.reason.detail).toBeInstanceOf(ChildStartError);
    expect(error.reason.detail).toMatchObject({ child: "b", reason: { error: { name: InjectedCrash.name } } });
    expect(describeExit(error.reason)).toContain("its child");
    const late = actor({ onStart: () => Promise.reject(new Error("late")), receive: () => undefined });
    const inner = supervisor({ children: [child({ id: "late", start: late })] });
    const outer = supervise(system, supervisor({ children: [child({ id: "inner", start: inner })] }));
    const failed = expect(outer).rejects.toThrow(StartError);
    await host.settle();
    await failed;
    expect(system.size).toBe(0);
  });

  it("whose restart fails are tried again until the budget is spent", async () => {
    const reports: SupervisorReport[] = [];
    const { system, worker, host } = stage(reports);
    const start = crashing(worker, { onStarts: [2, 3], onMessages: [1] });
    const tree = await supervise(
      system,
      supervisor({ intensity: { restarts: 3, periodMs: 1000 }, children: [child({ id: "a", start, args: "a" })] }),
    );
    (await tree.childRef<Order>("a"))?.send("normal");
    await host.settle();
    expect(reports.map(({ kind }) => kind)).toEqual(["child-terminated", "start-error", "start-error", "restarted"]);
    expect(await tree.countChildren()).toMatchObject({ active: 1 });
    const failing = crashing(worker, { onStarts: [2, 3], onMessages: [1] });
    const other = await supervise(
      system,
      supervisor({
        intensity: { restarts: 2, periodMs: 1000 },
        children: [child({ id: "a", start: failing, args: "a" })],
      }),
    );
    const ended = system.whenEnded(other.ref);
    (await other.childRef<Order>("a"))?.send("normal");
    await host.settle();
    expect(await ended).toEqual(exit.shutdown);
  });

  it("may start with a promise: the next one waits, calls wait, and a stop waits", async () => {
    const { system, host, spec, log } = stage();
    const slow = actor({
      onStart: () => new Promise<string>((resolve) => void host.after(50, () => resolve("slow"))),
      receive: () => undefined,
      onStop: () => void log.push("-slow"),
    });
    const inner = supervisor({ children: [child({ id: "slow", start: slow })] });
    const starting = supervise(system, supervisor({ children: [child({ id: "inner", start: inner }), spec("b")] }));
    await host.settle();
    expect(log).toEqual([]);
    await host.advance(50);
    const tree = await starting;
    expect(log).toEqual(["+b"]);
    const crashed = (await tree.childRef("inner")) as ActorRef<never>;
    system.kill(crashed);
    await host.settle();
    const count = tree.countChildren();
    const stopping = tree.stop();
    await host.advance(50);
    expect(await count).toMatchObject({ active: 2 });
    await stopping;
    expect(log.slice(-3)).toEqual(["-slow", "-b shutdown", "-slow"]);
    await expect(tree.countChildren()).rejects.toThrow("has ended");
    await expect(tree.whichChildren()).rejects.toThrow("which children");
  });

  it("refuses calls that it cannot answer any more", async () => {
    const { system, host } = stage();
    const stuck = actor({ onStart: () => new Promise<string>(() => {}), receive: () => undefined });
    const tree = await supervise(system, supervisor({}));
    const starting = tree.startChild(child({ id: "stuck", start: stuck }));
    const waiting = tree.countChildren();
    await host.settle();
    const late = tree.whichChildren();
    const caught = Promise.all([starting, waiting, late].map((call) => expect(call).rejects.toThrow("has ended")));
    system.kill(tree.ref);
    await caught;
    await host.advance(5000);
    expect(system.size).toBe(0);
  });
});
