import { describe, expect, it } from "vitest";
import {
  actor,
  child,
  ChildStartError,
  describeExit,
  DynamicSupervisor,
  exit,
  ignore,
  StartError,
  supervise,
  supervisor,
  Supervisor,
  SupervisorSpecError,
  type ActorRef,
  type ChildSpec,
  type ExitReason,
  type RestartType,
  type Strategy,
  type SupervisorReport,
  type TypedChildSpec,
} from "@constellation/actors";
import { crashing, InjectedCrash } from "@constellation/actors/testkit";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";

type Order = "crash" | "normal" | "shutdown";

/** A stage with workers that write down what happens to them. */
function stage(reports: SupervisorReport[] = []) {
  const { system, host } = manualSystem({
    logReports: false,
    hooks: { onReport: (report) => void reports.push(report) },
  });
  const log: string[] = [];
  const worker = actor({
    kind: "worker",
    onStart: (id: string) => {
      log.push(`+${id}`);
      return id;
    },
    receive(id, message: Order, context) {
      if (message === "crash") throw new Error(`${id} crashed`);
      context.stop(exit[message]);
    },
    onStop: (id, reason) => void log.push(`-${id} ${reason.kind}`),
  });
  const spec = (id: string, more: Partial<ChildSpec> = {}): TypedChildSpec<Order> => ({
    ...more,
    id,
    name: id,
    start: worker,
    args: id,
  });
  const tell = async (id: string, order: Order): Promise<string[]> => {
    log.length = 0;
    system.registry.whereIs<Order>(id)?.send(order);
    await host.advance(10_000);
    return log.splice(0);
  };
  return { system, host, log, worker, spec, tell, reports };
}

const plenty = { restarts: 1000, periodMs: 1000 };

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

describe("intensity", () => {
  it("counts restarts in a sliding window on the host's clock", async () => {
    const reports: SupervisorReport[] = [];
    const { system, spec, host } = stage(reports);
    const tree = await supervise(
      system,
      supervisor({ intensity: { restarts: 2, periodMs: 1000 }, children: [spec("a")] }),
    );
    const crash = async (): Promise<void> => {
      system.registry.whereIs<Order>("a")?.send("crash");
      await host.settle();
    };
    await crash();
    await host.advance(600);
    await crash();
    await host.advance(600);
    await crash();
    expect(system.find(tree.ref.id)).toBeDefined();
    const ended = system.whenEnded(tree.ref);
    await crash();
    expect(await ended).toEqual(exit.shutdown);
    expect(reports.map(({ kind }) => kind)).toEqual([
      ...Array.from({ length: 3 }, () => ["child-terminated", "restarted"]).flat(),
      "child-terminated",
      "gave-up",
    ]);
    expect(system.size).toBe(0);
  });

  it("of 0 gives up at the first crash, and is 1 in 5 s when not given", async () => {
    const { system, spec, tell } = stage();
    await supervise(system, supervisor({ intensity: { restarts: 0, periodMs: 1 }, children: [spec("a")] }));
    expect(await tell("a", "crash")).toEqual(["-a error"]);
    await supervise(system, supervisor({ children: [spec("b")] }));
    expect(await tell("b", "crash")).toEqual(["-b error", "+b"]);
    expect(await tell("b", "crash")).toEqual(["-b error", "+b"]);
    system.registry.whereIs<Order>("b")?.send("crash");
    expect(await tell("b", "crash")).toEqual(["-b error", "+b"]);
    expect(system.size).toBe(2);
  });

  it("takes the whole branch down, which the supervisor above restarts", async () => {
    const { system, spec, tell } = stage();
    const branch = supervisor({ intensity: { restarts: 0, periodMs: 1000 }, children: [spec("x"), spec("y")] });
    await supervise(
      system,
      supervisor({ intensity: plenty, children: [spec("a"), child({ id: "branch", start: branch })] }),
    );
    expect(await tell("x", "crash")).toEqual(["-x error", "-y shutdown", "+x", "+y"]);
  });
});

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

describe("auto_shutdown", () => {
  const rows: ["any_significant" | "all_significant", string[], boolean][] = [
    ["any_significant", ["a"], true],
    ["all_significant", ["a"], false],
    ["all_significant", ["a", "b"], true],
    ["any_significant", ["c"], false],
  ];
  it.each(rows)("%s after %j ended in order: ends itself %s", async (autoShutdown, ended, isDown) => {
    const { system, spec, tell } = stage();
    const significant = { restart: "transient", significant: true } as const;
    const children = [spec("a", significant), spec("b", significant), spec("c", { restart: "transient" })];
    const tree = await supervise(system, supervisor({ autoShutdown, children }));
    for (const id of ended) await tell(id, "normal");
    expect(system.find(tree.ref.id) === undefined).toBe(isDown);
  });

  it("does not count a child that the supervisor ended", async () => {
    const { system, spec, host } = stage();
    const children = [spec("a", { restart: "temporary", significant: true })];
    const tree = await supervise(system, supervisor({ autoShutdown: "any_significant", children }));
    const terminated = tree.terminateChild("a");
    await host.settle();
    expect(await terminated).toEqual({ kind: "ok" });
    expect(system.find(tree.ref.id)).toBeDefined();
  });

  it("works for dynamic children", async () => {
    const { system, worker, host } = stage();
    const tree = await supervise(
      system,
      supervisor({
        strategy: "simple_one_for_one",
        autoShutdown: "all_significant",
        child: { start: worker, restart: "temporary", significant: true },
      }),
    );
    const ended = system.whenEnded(tree.ref);
    const one = await tree.startChild("1");
    const two = await tree.startChild("2");
    if (one.kind !== "started" || two.kind !== "started") throw new Error("not started");
    one.ref.send("normal");
    await host.settle();
    expect((await tree.countChildren()).active).toBe(1);
    two.ref.send("crash");
    await host.settle();
    expect(await ended).toEqual(exit.shutdown);
  });
});

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

describe("dynamic children", () => {
  it("are started with their own args, restarted with them, and all ended at once", async () => {
    const { system, worker, host, log } = stage();
    const tree = await supervise(
      system,
      supervisor({ strategy: "simple_one_for_one", intensity: plenty, child: { start: worker, shutdown: 100 } }),
    );
    const one = await tree.startChild("1");
    const two = await tree.startChild("2");
    if (one.kind !== "started" || two.kind !== "started") throw new Error("not started");
    log.length = 0;
    one.ref.send("crash");
    await host.settle();
    expect(log.splice(0)).toEqual(["-1 error", "+1"]);
    expect(await tree.countChildren()).toEqual({ specs: 1, active: 2, supervisors: 0, workers: 2 });
    const terminated = tree.terminateChild(two.ref);
    await host.settle();
    expect(await terminated).toEqual({ kind: "ok" });
    expect(await tree.terminateChild(two.ref)).toEqual({ kind: "ok" });
    expect(await tree.terminateChild(tree.ref)).toEqual({ kind: "not_found" });
    expect(await tree.terminateChild(system.named("nobody"))).toEqual({ kind: "not_found" });
    expect((await tree.whichChildren()).map(({ id, type, state }) => [id, type, state.kind])).toEqual([
      [null, "worker", "running"],
    ]);
    const stopping = tree.stop();
    await host.settle();
    await stopping;
    await closeManual(system, host);
  });

  it("that do not end in time are killed together; brutal ones at once; failed ones are tried again", async () => {
    const { system, host, worker } = stage();
    const stubborn = actor({ receive: () => undefined, onStop: () => new Promise(() => {}) });
    for (const shutdown of [100, "brutal_kill"] as const) {
      const tree = await supervise(
        system,
        supervisor({ strategy: "simple_one_for_one", child: { start: stubborn, shutdown } }),
      );
      await tree.startChild(undefined);
      await tree.startChild(undefined);
      const stopping = tree.stop();
      await host.advance(shutdown === 100 ? 100 : 0);
      await stopping;
    }
    const start = crashing(worker, { onStarts: [2, 4], onMessages: [1] });
    const tree = await supervise(
      system,
      supervisor({ strategy: "simple_one_for_one", intensity: plenty, child: { start } }),
    );
    const one = await tree.startChild("1");
    if (one.kind !== "started") throw new Error("not started");
    one.ref.send("normal");
    await host.settle();
    expect((await tree.countChildren()).active).toBe(1);
    expect(await tree.startChild("2")).toMatchObject({ kind: "failed" });
    expect(system.size).toBe(2);
  });

  it("are told apart from a list of specs", async () => {
    const { system, worker } = stage();
    const list = await supervise(system, supervisor({}));
    const dynamic = await supervise(system, supervisor({ strategy: "simple_one_for_one", child: { start: worker } }));
    await expect(new DynamicSupervisor(list.ref).startChild("x")).rejects.toThrow("has a list of specs");
    await expect(new Supervisor(dynamic.ref).startChild(child({ id: "x", start: worker, args: "x" }))).rejects.toThrow(
      "is dynamic",
    );
    expect(await new Supervisor(dynamic.ref).terminateChild("x")).toEqual({ kind: "not_found" });
    expect(await new DynamicSupervisor(list.ref).terminateChild(dynamic.ref)).toEqual({ kind: "not_found" });
    expect(() => new Supervisor(system.spawn(worker, { args: "w" }))).toThrow("as a supervisor");
  });

  it("may be supervisors", async () => {
    const { system, spec, host } = stage();
    const branch = supervisor((ids: string[]) => ({ children: ids.map((id) => spec(id)) }));
    const tree = await supervise(system, supervisor({ strategy: "simple_one_for_one", child: { start: branch } }));
    expect((await tree.startChild(["a", "b"])).kind).toBe("started");
    expect(await tree.countChildren()).toEqual({ specs: 1, active: 1, supervisors: 1, workers: 0 });
    const stopping = tree.stop();
    await host.settle();
    await stopping;
  });
});

describe("backoff", () => {
  it("waits longer before each restart in a row, and forgets after a quiet time", async () => {
    const { system, spec, host, log } = stage();
    const backoff = { initialMs: 100, maxMs: 1000, jitter: 0, resetAfterMs: 5000 };
    const tree = await supervise(system, supervisor({ intensity: plenty, children: [spec("a", { backoff })] }));
    const waits: number[] = [];
    for (let crash = 0; crash < 6; crash += 1) {
      if (crash === 5) await host.advance(6000);
      log.length = 0;
      system.registry.whereIs<Order>("a")?.send("crash");
      await host.settle();
      expect(await tree.restartChild("a")).toEqual({ kind: "restarting" });
      expect(await tree.deleteChild("a")).toEqual({ kind: "restarting" });
      const from = host.nowMs();
      while (!log.includes("+a")) await host.advance(10);
      waits.push(host.nowMs() - from);
    }
    expect(waits).toEqual([100, 200, 400, 800, 1000, 100]);
  });

  it("holds the group back, and is called off by terminateChild and by the end", async () => {
    const { system, spec, host, log, worker } = stage();
    const backoff = { initialMs: 100, maxMs: 1000 };
    const tree = await supervise(
      system,
      supervisor({ strategy: "one_for_all", intensity: plenty, children: [spec("a"), spec("b", { backoff })] }),
    );
    log.length = 0;
    system.registry.whereIs<Order>("b")?.send("crash");
    await host.settle();
    expect(log.splice(0)).toEqual(["-b error", "-a shutdown"]);
    expect((await tree.whichChildren()).map(({ state }) => state.kind)).toEqual(["stopped", "restarting"]);
    await host.advance(100);
    expect(log.splice(0)).toEqual(["+a", "+b"]);
    system.registry.whereIs<Order>("b")?.send("crash");
    await host.settle();
    expect(await tree.terminateChild("b")).toEqual({ kind: "ok" });
    await host.advance(1000);
    expect(system.alarms.size).toBe(0);
    expect((await tree.whichChildren()).map(({ state }) => state.kind)).toEqual(["stopped", "stopped"]);
    expect((await tree.restartChild("b")).kind).toBe("started");
    system.registry.whereIs<Order>("b")?.send("crash");
    await host.settle();
    system.kill(tree.ref);
    expect(system.alarms.size).toBe(0);
    const dynamic = await supervise(
      system,
      supervisor({ strategy: "simple_one_for_one", intensity: plenty, child: { start: worker, backoff } }),
    );
    for (const id of ["1", "2"]) {
      const one = await dynamic.startChild(id);
      if (one.kind === "started") one.ref.send("crash");
    }
    await host.settle();
    expect((await dynamic.whichChildren()).map(({ state }) => state.kind)).toEqual(["restarting", "restarting"]);
    expect(await dynamic.countChildren()).toMatchObject({ active: 0, workers: 2 });
    const stopping = dynamic.stop();
    await host.settle();
    await stopping;
    await closeManual(system, host);
  });
});

describe("onRestart", () => {
  it("gets the reason of the actor before, and errors after the first have no stack", async () => {
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
    const stacks = reasons.map((reason) =>
      reason.kind === "error" ? String((reason.error as Error).stack).split("\n").length : 0,
    );
    expect(stacks[0]).toBeGreaterThan(1);
    expect(stacks[1]).toBe(1);
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
