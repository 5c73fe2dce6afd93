import { type Exit, noHealth, parseApp } from "@constellation/contract";
import {
  FakeDriver,
  FakeWorld,
  Instance,
  type InstanceSpec,
  type LifecycleEvent,
  ManualClock,
  noRestarts,
  type RunHandle,
  settleRun,
} from "@constellation/instances";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { requestFor } from "../driver/conformance.ts";
import { Diary } from "./diary.ts";

let clock: ManualClock;
let world: FakeWorld;
let driver: FakeDriver;
const open: Instance[] = [];

beforeEach(() => {
  clock = new ManualClock();
  world = new FakeWorld(clock);
  driver = new FakeDriver(world);
});
afterEach(() => {
  for (const instance of open.splice(0)) instance.handle({ type: "detach" });
  expect(clock.pending - [...world.runs.values()].filter(({ exit }) => exit === null).length).toBeLessThanOrEqual(0);
});

function instanceOf(
  steps: readonly string[],
  over: { restart?: object | string; health?: object } = {},
): { instance: Instance; diary: Diary } {
  const { restart, stop, health } = parseApp({ name: "web", command: ["x"], port: 80, ...over });
  const spec: InstanceSpec = { restart, stop, health };
  const diary = new Diary();
  const instance = new Instance({
    driver,
    spec,
    clock,
    random: () => 0.5,
    observer: diary,
    request: ({ runId, count: { restarts } }) =>
      Promise.resolve(requestFor({ kind: "command", argv: steps }, { app: "web", index: 1, runId, restarts })),
  });
  open.push(instance);
  return { instance, diary };
}

describe("a life with the fake driver", () => {
  test("starts, crashes, backs off, is stopped, and leaves nothing behind", async () => {
    const { instance, diary } = instanceOf(["run 1s", "exit 1"], {
      restart: { backoff: { initial: "2s", jitter: 0 } },
    });
    instance.handle({ type: "start" });
    await clock.advance(0);
    expect(instance.state).toMatchObject({ status: "running", ready: true });
    await clock.advance(1000);
    expect(instance.state).toMatchObject({ status: "running" });
    expect(instance.count.restarts).toBe(1);
    await clock.advance(1000);
    expect(instance.state).toMatchObject({ status: "backoff", last: { kind: "error", code: 1 } });
    instance.handle({ type: "stop" });
    expect(instance.state).toMatchObject({ status: "stopped" });
    await clock.advance(60_000);
    expect(diary.path).toBe("starting running starting running backoff stopped");
    expect(diary.ends).toHaveLength(2);
    expect(world.intents.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("what was let go of before its launch is not launched any more: somebody else may have it by now", async () => {
    const { restart, stop, health } = parseApp({ name: "web", command: ["x"] });
    let give = (): void => undefined;
    const instance = new Instance({
      driver,
      spec: { restart, stop, health },
      clock,
      observer: new Diary(),
      request: async ({ runId }) => {
        await new Promise<void>((resolve) => (give = resolve));
        return requestFor({ kind: "command", argv: ["run"] }, { app: "web", index: 1, runId });
      },
    });
    instance.handle({ type: "start" });
    await clock.advance(0);
    instance.handle({ type: "detach" });
    give();
    await clock.advance(10);
    expect(world.launched).toEqual([]);
  });

  test("a run that cannot be watched for a moment is watched again: its end is heard of, and it is started anew", async () => {
    let failures = 1;
    driver = new (class extends FakeDriver {
      override async start(...call: Parameters<FakeDriver["start"]>) {
        const handle = await super.start(...call);
        if (failures-- <= 0) return handle;
        return new Proxy(handle, {
          get: (target, key) => {
            if (key === "wait") return () => Promise.reject(new Error("EMFILE: too many open files"));
            const value: unknown = Reflect.get(target, key, target);
            return typeof value === "function" ? (value.bind(target) as unknown) : value;
          },
        });
      }
    })(world);
    const { instance, diary } = instanceOf(["run 5s", "exit 3"]);
    instance.handle({ type: "start" });
    await clock.advance(0);
    const { runId } = instance.run?.facts ?? {};
    await clock.advance(2000);
    expect(instance.state).toMatchObject({ status: "running", ready: true });
    expect(instance.run?.facts.runId).toBe(runId);
    await clock.advance(4000);
    expect(diary.ends).toMatchObject([{ runId, exit: { code: 3 } }]);
    expect(diary.troubles).toEqual([`cannot watch the run ${runId}`]);
    expect(world.launched).toHaveLength(2);
  });

  test("the next run starts before what is left of the last one is cleared up", async () => {
    const acts: string[] = [];
    driver = new (class extends FakeDriver {
      override async start(...call: Parameters<FakeDriver["start"]>) {
        const handle = await super.start(...call);
        acts.push("started");
        return handle;
      }
      override release(runId: string) {
        acts.push("released");
        return super.release(runId);
      }
    })(world);
    const { instance } = instanceOf(["run 1s", "exit 1"], { restart: { backoff: { initial: "2s", jitter: 0 } } });
    instance.handle({ type: "start" });
    await clock.advance(1000);
    expect(acts).toEqual(["started", "started", "released"]);
    // Nothing follows this end: nothing is waited for.
    await clock.advance(1000);
    expect(acts).toEqual(["started", "started", "released", "released"]);
    instance.handle({ type: "stop" });
  });

  test("what must be woken up is told so once, however long it takes to hear it", async () => {
    const { restart, stop, health } = parseApp({
      name: "web",
      command: ["x"],
      restart: { backoff: { initial: "1s", jitter: 0 } },
    });
    const mailbox: LifecycleEvent[] = [];
    const instance = new Instance({
      driver,
      spec: { restart, stop, health },
      clock,
      random: () => 0.5,
      observer: new Diary(),
      request: ({ runId }) => Promise.resolve(requestFor({ kind: "command", argv: ["exit 1"] }, { runId })),
      post: (event) => void mailbox.push(event),
    });
    open.push(instance);
    const hear = async (): Promise<void> => {
      await clock.advance(0);
      for (const event of mailbox.splice(0)) instance.handle(event);
    };
    instance.handle({ type: "start" });
    for (let turn = 0; instance.state.status !== "backoff" && turn < 20; turn += 1) await hear();
    // Whoever hears it is busy for a while.
    await clock.advance(5000);
    expect(mailbox).toEqual([{ type: "wake" }]);
    await hear();
    expect(instance.state.status).toBe("starting");
  });

  test("who lets go of a run in the midst of its stop is not told of trouble", async () => {
    driver = new (class extends FakeDriver {
      override async start(...call: Parameters<FakeDriver["start"]>) {
        const handle = await super.start(...call);
        let letGo = (): void => undefined;
        const gone = new Promise<never>((_, reject) => (letGo = () => reject(new Error("let go"))));
        const over: Partial<RunHandle> = { stop: () => gone, detach: () => (handle.detach(), letGo()) };
        return new Proxy(handle, {
          get: (target, key) => {
            const value: unknown = Reflect.get(over, key) ?? Reflect.get(target, key, target);
            return typeof value === "function" && !(key in over) ? (value.bind(target) as unknown) : value;
          },
        });
      }
    })(world);
    const { instance, diary } = instanceOf(["ignore SIGTERM", "run"]);
    instance.handle({ type: "start" });
    await clock.advance(0);
    instance.handle({ type: "stop", graceMs: 3000 });
    instance.handle({ type: "detach" });
    await clock.advance(10);
    expect(diary.troubles).toEqual([]);
  });

  test("a stubborn program is killed after its grace", async () => {
    const { instance, diary } = instanceOf(["ignore SIGTERM", "run"]);
    instance.handle({ type: "start" });
    await clock.advance(0);
    instance.handle({ type: "stop", graceMs: 3000 });
    await clock.advance(2999);
    expect(instance.state.status).toBe("stopping");
    await clock.advance(1);
    expect(instance.state).toMatchObject({ status: "stopped", last: { kind: "killed" } });
    expect(diary.ends).toHaveLength(1);
  });

  test("a stop while the driver still starts it ends with nothing running", async () => {
    const { instance } = instanceOf(["start 500ms", "run"]);
    instance.handle({ type: "start" });
    await clock.advance(100);
    instance.handle({ type: "stop" });
    await clock.advance(1000);
    expect(instance.state.status).toBe("stopped");
    expect(world.launched).toEqual([]);
  });

  test("a start that fails is tried again with backoff; what it lacks is in the reason", async () => {
    const { instance } = instanceOf(["fail EAGAIN"], { restart: { backoff: { initial: "1s", jitter: 0 } } });
    instance.handle({ type: "start" });
    await clock.advance(0);
    expect(instance.state).toMatchObject({
      status: "backoff",
      last: { kind: "start-failed", reason: "Cannot start web.1: EAGAIN" },
    });
  });
});

describe("probes of a life", () => {
  const health = (check: object) => ({ health: { startup: check, readiness: check, liveness: check } });

  test("exec probes: not ready until they succeed", async () => {
    const { instance, diary } = instanceOf(["run"], health({ exec: ["exit 0"], period: "1s" }));
    instance.handle({ type: "start" });
    await clock.advance(0);
    await clock.advance(100);
    expect(instance.state).toMatchObject({ status: "running", ready: true });
    expect(diary.probes).toEqual(["startup up", "readiness up", "liveness up"]);
  });

  test("a startup probe that never succeeds ends it as unhealthy and starts it again", async () => {
    const { instance, diary } = instanceOf(["run"], {
      health: { startup: { exec: ["log nope", "exit 1"], period: "1s", failureThreshold: 3 } },
    });
    instance.handle({ type: "start" });
    await clock.advance(2500);
    expect(diary.ends).toMatchObject([
      {
        exit: {
          kind: "unhealthy",
          reason: expect.stringContaining("its startup probe failed: code 1: nope") as string,
        },
      },
    ]);
    expect(instance.count.restarts).toBe(1);
  });

  test("why a startup probe has not passed is told, to whom it takes more than a moment", async () => {
    const { instance, diary } = instanceOf(["run"], {
      health: { startup: { exec: ["log nope", "exit 1"], period: "300ms", failureThreshold: 30 } },
    });
    instance.handle({ type: "start" });
    await clock.advance(900);
    expect(instance.state).toMatchObject({ notReady: "the startup probe has not answered yet" });
    await clock.advance(600);
    expect(instance.state).toMatchObject({ notReady: "the startup probe has not passed yet: code 1: nope" });
    await clock.advance(2000);
    expect(diary.path).toBe("starting running running");
    expect(diary.probes).toEqual([]);
  });

  test("a log line makes it ready", async () => {
    const { instance } = instanceOf(["run 1s", "log listening on 80", "run"], {
      health: { readiness: { logLine: "listening on \\d+", period: "100ms" } },
    });
    instance.handle({ type: "start" });
    await clock.advance(900);
    expect(instance.state).toMatchObject({ ready: false, notReady: "no line matches /listening on \\d+/ yet" });
    await clock.advance(300);
    expect(instance.state).toMatchObject({ ready: true });
  });

  test("an http probe of an app without a port says so", async () => {
    const { instance } = instanceOf(["run"], { health: { readiness: { http: "/", period: "100ms" } } });
    instance.handle({ type: "start" });
    await clock.advance(500);
    expect(instance.state).toMatchObject({ ready: false, notReady: "the app has no port" });
  });
});

describe("a spec that changes while it runs", () => {
  const specOf = (health: object): InstanceSpec => parseApp({ name: "web", command: ["x"], port: 80, health });
  const probe = { exec: ["exit 1"], period: "1s", failureThreshold: 3 };

  test("a probe goes on in the new rhythm and with the new patience", async () => {
    const { instance } = instanceOf(["run"], { health: { liveness: { ...probe, period: "1h" } } });
    instance.handle({ type: "start" });
    await clock.advance(10);
    instance.configure(specOf({ liveness: { ...probe, failureThreshold: 2 } }));
    await clock.advance(500);
    expect(instance.state).toMatchObject({ status: "running" });
    await clock.advance(600);
    expect(instance.count.restarts).toBe(1);
  });

  test("what an instance is asked, and which probes there are, is as it was when it began", async () => {
    const { instance } = instanceOf(["run"], { health: { readiness: { exec: ["exit 0"], period: "1s" } } });
    instance.handle({ type: "start" });
    await clock.advance(10);
    instance.configure(specOf({ readiness: { ...probe, period: "1s" }, liveness: probe }));
    await clock.advance(20_000);
    expect(instance.state).toMatchObject({ status: "running", ready: true });
    expect(instance.count.restarts).toBe(0);
  });
});

describe("the daemon dies", () => {
  test.each(["before-intent", "before-launch", "after-launch"] as const)("%s: one run, started once", async (point) => {
    const first = instanceOf(["run"]);
    world.crashNextStart(point);
    first.instance.handle({ type: "start" });
    await clock.advance(10);
    open.splice(0);

    driver = new FakeDriver(world);
    const { instance, diary } = instanceOf(["run"]);
    const [found] = await driver.list();
    if (found !== undefined)
      instance.handle({ type: "recover", runId: found.runId, count: noRestarts, launchedAt: clock.nowMs() });
    instance.handle({ type: "start" });
    await clock.advance(10);
    expect(instance.state).toMatchObject({ status: "running" });
    expect(world.launched).toHaveLength(1);
    expect(diary.ends).toEqual([]);
    expect(world.intents.size).toBe(1);
  });

  test("a ready instance is ready again without another startup wait, with the same pid and restarts", async () => {
    const health = {
      health: { startup: { exec: ["exit 0"], period: "1h" }, readiness: { exec: ["exit 0"], period: "1s" } },
    };
    const before = instanceOf(["run"], health);
    before.instance.handle({ type: "start" });
    await clock.advance(10);
    const pid = before.instance.run?.facts.pid;
    before.instance.handle({ type: "detach" });

    driver = new FakeDriver(world);
    const { instance, diary } = instanceOf(["run"], health);
    const [run] = await driver.list();
    if (run === undefined) throw new Error("the run was not found");
    instance.handle({ type: "recover", runId: run.runId, count: noRestarts, launchedAt: clock.nowMs() });
    instance.handle({ type: "start" });
    await clock.advance(0);
    expect(instance.state).toMatchObject({ status: "running", ready: true, pid });
    expect(diary.path).toBe("starting running");
  });

  test("an end that could not be recorded is found by the next daemon; leftovers are settled", async () => {
    const { instance, diary } = instanceOf(["run 1s", "exit 3"], { restart: "never" });
    diary.ended = () => Promise.reject(new Error("disk full"));
    instance.handle({ type: "start" });
    await clock.advance(1000);
    expect(diary.troubles).toHaveLength(1);
    const [found] = await driver.list();
    const exits: Exit[] = [];
    const record = (exit: Exit): Promise<void> => Promise.resolve(void exits.push(exit));
    await settleRun(driver, found?.runId ?? "", record, { signal: new AbortController().signal });
    expect(exits).toMatchObject([{ kind: "error", code: 3 }]);
    expect(await driver.list()).toEqual([]);
  });
});

test("specs without probes have none", () => {
  expect(parseApp({ name: "web", command: ["x"] }).health).toEqual(noHealth);
});
