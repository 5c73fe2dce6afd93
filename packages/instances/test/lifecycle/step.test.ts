import { newLifecycle, noRestarts, view, wakeAt } from "@constellation/instances";
import { describe, expect, test } from "vitest";
import { Driven, exitOf, rules } from "./model.ts";

describe("starting", () => {
  test("a start launches one run, and a second start launches no other", () => {
    const instance = new Driven();
    expect(instance.send({ type: "start" })).toMatchObject([{ type: "launch", count: { restarts: 0 } }]);
    expect(instance.send({ type: "start" })).toEqual([]);
    instance.send({ type: "started", runId: instance.runId, pid: 7 });
    expect(instance.send({ type: "start" })).toEqual([]);
    expect(view(instance.life)).toEqual({
      status: "running",
      since: instance.nowMs,
      pid: 7,
      ready: true,
      notReady: null,
    });
  });

  test("the first run has the name that it is written down with, if it has one, and no later run has it", () => {
    const instance = new Driven();
    expect(instance.send({ type: "start", firstRunId: "first" })).toMatchObject([{ type: "launch", runId: "first" }]);
    instance.send({ type: "started", runId: "first", pid: 7 });
    expect(instance.send({ type: "start", firstRunId: "second" })).toEqual([]);
    instance.send({ type: "restart" });
    instance.end("stopped");
    expect(instance.status).toBe("starting");
    expect(instance.runId).not.toBe("first");
  });

  test("waiting shows for what, and a stop while waiting launches nothing", () => {
    const instance = new Driven();
    instance.send({ type: "wait", for: "db to be healthy" });
    expect(view(instance.life)).toMatchObject({ status: "waiting", for: "db to be healthy" });
    expect(instance.send({ type: "stop" })).toEqual([]);
    expect(instance.status).toBe("stopped");
  });

  test("a start that can never work fails at once; one that may work is tried again", () => {
    const instance = new Driven();
    instance.send({ type: "start" });
    const exit = exitOf("start-failed", instance.nowMs);
    instance.send({ type: "start-failed", runId: instance.runId, exit, final: true });
    expect(instance.status).toBe("failed");

    instance.send({ type: "start" });
    instance.send({ type: "start-failed", runId: instance.runId, exit, final: false });
    expect(instance.status).toBe("starting");
    instance.send({ type: "start-failed", runId: instance.runId, exit, final: false });
    expect(instance.status).toBe("backoff");
  });

  test("stop while starting aborts the launch and stops what came of it", () => {
    const instance = new Driven();
    instance.send({ type: "start" });
    expect(instance.send({ type: "stop", graceMs: 500 })).toMatchObject([{ type: "cancel-launch" }]);
    expect(view(instance.life)).toMatchObject({ status: "stopping", pid: null });
    expect(instance.send({ type: "started", runId: instance.runId, pid: 9 })).toMatchObject([
      { type: "stop", signal: "SIGTERM", graceMs: 500 },
    ]);
    instance.end("stopped");
    expect(instance.status).toBe("stopped");
    expect(instance.life.restarts).toBe(0);
  });
});

describe("stopping", () => {
  test("a start while stopping launches when the old run is gone, without backoff and not counted as a restart", () => {
    const instance = new Driven();
    instance.up();
    const first = instance.runId;
    instance.send({ type: "stop" });
    expect(instance.send({ type: "start" })).toEqual([]);
    expect(instance.status).toBe("stopping");
    const effects = instance.end("stopped");
    expect(effects).toMatchObject([
      { type: "record-end", runId: first },
      { type: "launch", count: { restarts: 0 } },
    ]);
    expect(instance.runId).not.toBe(first);
  });

  test("a second stop can shorten the grace and never lengthen it", () => {
    const instance = new Driven();
    instance.up();
    instance.send({ type: "stop", graceMs: 5000 });
    expect(instance.send({ type: "stop", graceMs: 9000 })).toEqual([]);
    instance.pass(1000);
    expect(instance.send({ type: "stop", graceMs: 0 })).toMatchObject([{ type: "stop", graceMs: 0 }]);
  });

  test("a driver that cannot stop it is asked again with what is left of the grace", () => {
    const instance = new Driven();
    instance.up();
    instance.send({ type: "stop", graceMs: 1500 });
    instance.send({ type: "stop-failed", runId: instance.runId, detail: "no such pipe" });
    instance.effects.length = 0;
    instance.pass(1000);
    expect(instance.effects).toMatchObject([{ type: "stop", graceMs: 500 }]);
  });
});

describe("restarting", () => {
  test("the first restart is immediate, then the delay doubles up to its maximum", () => {
    const instance = new Driven(rules({ restart: { initialDelayMs: 100, maxDelayMs: 500, factor: 2 } }));
    instance.up();
    const delays: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      instance.end();
      const state = view(instance.life);
      delays.push(state.status === "backoff" ? state.until - state.since : 0);
      instance.pass(delays.at(-1) ?? 0);
      instance.send({ type: "started", runId: instance.runId, pid: 50 + round });
    }
    expect(delays).toEqual([0, 100, 200, 400, 500, 500]);
    expect(instance.life.restarts).toBe(6);
  });

  test("a run long enough to be stable makes the next restart immediate again", () => {
    const instance = new Driven(rules({ restart: { resetAfterMs: 30_000 } }));
    instance.up();
    instance.end();
    instance.send({ type: "started", runId: instance.runId, pid: 1 });
    instance.pass(29_999);
    instance.end();
    expect(instance.status).toBe("backoff");
    instance.pass(100);
    instance.send({ type: "started", runId: instance.runId, pid: 1 });
    instance.pass(30_000);
    instance.end();
    expect(instance.status).toBe("starting");
  });

  test("how long a run was stable is told by one clock: that of the machine may be set while it runs", () => {
    const hourMs = 3_600_000;
    for (const setMs of [hourMs, -hourMs]) {
      const instance = new Driven(rules({ restart: { resetAfterMs: 30_000 } }));
      const end = (): unknown =>
        instance.send({ type: "ended", runId: instance.runId, exit: exitOf("error", instance.nowMs + setMs) });
      instance.up();
      instance.pass(100);
      end();
      instance.send({ type: "started", runId: instance.runId, pid: 1 });
      instance.pass(100);
      end();
      expect(instance.status).toBe("backoff");
      instance.pass(1000);
      instance.send({ type: "started", runId: instance.runId, pid: 1 });
      instance.pass(30_000);
      end();
      expect(instance.status).toBe("starting");
    }
  });

  test("it gives up after `intensity` restarts within `period`, and a start by hand begins anew", () => {
    const instance = new Driven(rules({ restart: { intensity: 2, periodMs: 60_000 } }));
    instance.up();
    for (let round = 0; round < 2; round += 1) {
      instance.end();
      instance.pass(100);
      instance.send({ type: "started", runId: instance.runId, pid: 1 });
    }
    instance.end();
    expect(view(instance.life)).toMatchObject({
      status: "failed",
      reason: "restarted 2 times within 1m; at last it ended in a test as error",
    });
    instance.up();
    instance.end();
    expect(instance.status).toBe("starting");
  });

  test("restarts older than the period do not count", () => {
    const instance = new Driven(rules({ restart: { intensity: 1, periodMs: 1000 } }));
    instance.up();
    for (let round = 0; round < 5; round += 1) {
      instance.end();
      instance.pass(1000);
      expect(instance.status).toBe("starting");
      instance.send({ type: "started", runId: instance.runId, pid: 1 });
      instance.pass(1000);
    }
  });

  test.each([
    ["always", "completed", "starting"],
    ["always", "error", "starting"],
    ["on-failure", "completed", "completed"],
    ["on-failure", "oom", "starting"],
    ["on-failure", "signal", "starting"],
    ["never", "completed", "completed"],
    ["never", "error", "failed"],
    ["never", "lost", "failed"],
  ] as const)("policy %s after %s: %s", (policy, kind, status) => {
    const instance = new Driven(rules({ restart: { policy } }));
    instance.up();
    instance.end(kind);
    expect(instance.status).toBe(status);
  });

  test("a restart on request keeps count and backoff out of it", () => {
    const instance = new Driven(rules({ restart: { policy: "never" } }));
    instance.up();
    expect(instance.send({ type: "restart" })).toMatchObject([{ type: "stop" }]);
    instance.end("stopped");
    expect(instance.status).toBe("starting");
    expect(instance.life.restarts).toBe(0);
  });
});

describe("probes", () => {
  const probed = rules({ probes: { startup: true, readiness: true, liveness: true } });

  test("startup holds readiness and liveness back", () => {
    const instance = new Driven(probed);
    instance.up();
    const { runId } = instance;
    instance.send({ type: "probe", runId, purpose: "readiness", ok: true, detail: "200" });
    expect(view(instance.life)).toMatchObject({ ready: false });
    instance.send({ type: "probe", runId, purpose: "startup", ok: true, detail: "200" });
    expect(view(instance.life)).toMatchObject({ ready: false });
    instance.send({ type: "probe", runId, purpose: "readiness", ok: true, detail: "200" });
    expect(view(instance.life)).toMatchObject({ ready: true, notReady: null });
    instance.send({ type: "probe", runId, purpose: "readiness", ok: false, detail: "status 503" });
    expect(view(instance.life)).toMatchObject({ status: "running", ready: false, notReady: "status 503" });
  });

  test("a failed liveness probe stops it with grace, ends it as unhealthy and starts it again", () => {
    const instance = new Driven(probed);
    instance.up();
    const { runId } = instance;
    instance.send({ type: "probe", runId, purpose: "startup", ok: true, detail: "200" });
    expect(instance.send({ type: "probe", runId, purpose: "liveness", ok: false, detail: "no answer" })).toMatchObject([
      { type: "stop", signal: "SIGTERM", graceMs: 10_000 },
    ]);
    const [record, launch] = instance.end("stopped");
    expect(record).toMatchObject({
      exit: { kind: "unhealthy", reason: "its liveness probe failed: no answer; then ended in a test as stopped" },
    });
    expect(launch).toMatchObject({ type: "launch", count: { restarts: 1 } });
  });

  test("a probe's verdict on an earlier run changes nothing", () => {
    const instance = new Driven(probed);
    instance.up();
    const { runId } = instance;
    instance.end();
    const before = instance.life;
    expect(instance.send({ type: "probe", runId, purpose: "liveness", ok: false, detail: "" })).toEqual([]);
    expect(instance.life).toBe(before);
  });
});

describe("what an earlier daemon left when the clock was ahead", () => {
  const hourMs = 3_600_000;
  const { nowMs } = new Driven();
  const since = nowMs + hourMs;

  test("a backoff lasts no longer than it was to last", () => {
    const phase = { status: "backoff", since, until: since + 5000, last: exitOf("error", since) } as const;
    const life = newLifecycle(rules(), nowMs, { phase, count: noRestarts });
    expect(wakeAt(life)).toBe(nowMs + 5000);
    const later = { ...phase, since: nowMs - 1000, until: nowMs + 4000 };
    expect(wakeAt(newLifecycle(rules(), nowMs, { phase: later, count: noRestarts }))).toBe(nowMs + 4000);
  });

  test("restarts that are still to come count no more", () => {
    const count = { restarts: 2, streak: 0, recentRestarts: [since, since + 10] };
    const instance = new Driven(rules({ restart: { intensity: 2, periodMs: 60_000 } }));
    instance.send({ type: "recover", runId: "abc12345-00000", count, launchedAt: nowMs });
    instance.send({ type: "start" });
    instance.end();
    expect(instance.status).toBe("starting");
  });
});

describe("recovery", () => {
  test("a run that was ready is ready at once and keeps its pid, start and restarts", () => {
    const instance = new Driven(rules({ probes: { startup: true, readiness: true } }));
    instance.send({
      type: "recover",
      runId: "abc12345-00000",
      count: { ...noRestarts, restarts: 4 },
      launchedAt: instance.nowMs,
    });
    instance.send({ type: "start" });
    const startedAt = instance.nowMs - 5000;
    const notes = { startupPassed: true, ready: true };
    expect(instance.send({ type: "recovered", runId: instance.runId, pid: 77, startedAt, notes })).toEqual([]);
    expect(view(instance.life)).toMatchObject({ status: "running", pid: 77, since: startedAt, ready: true });
    expect(instance.life.restarts).toBe(4);
  });

  test("a run that ended meanwhile follows the restart policy", () => {
    const instance = new Driven();
    instance.send({
      type: "recover",
      runId: "abc12345-00000",
      count: { ...noRestarts, restarts: 4 },
      launchedAt: instance.nowMs,
    });
    instance.send({ type: "start" });
    expect(instance.end()).toMatchObject([
      { type: "record-end", runId: "abc12345-00000" },
      { type: "launch", count: { restarts: 5 } },
    ]);
  });

  test("a run that never started is released and launched once", () => {
    const instance = new Driven();
    instance.send({
      type: "recover",
      runId: "abc12345-00000",
      count: noRestarts,
      launchedAt: instance.nowMs,
    });
    instance.send({ type: "start" });
    expect(instance.send({ type: "never-started", runId: "abc12345-00000" })).toMatchObject([
      { type: "release", runId: "abc12345-00000" },
      { type: "launch" },
    ]);
  });

  test("a run that nobody wants any more is stopped", () => {
    const instance = new Driven();
    instance.send({
      type: "recover",
      runId: "abc12345-00000",
      count: noRestarts,
      launchedAt: instance.nowMs,
    });
    const notes = { startupPassed: false, ready: false };
    expect(
      instance.send({ type: "recovered", runId: instance.runId, pid: 7, startedAt: instance.nowMs, notes }),
    ).toMatchObject([{ type: "stop" }]);
  });
});

test("a detached instance is left alone, whatever still happens", () => {
  const instance = new Driven();
  instance.up();
  expect(instance.send({ type: "detach" })).toMatchObject([{ type: "detach", runId: instance.runId }]);
  expect(instance.end()).toEqual([]);
  expect(instance.send({ type: "stop" })).toEqual([]);
  expect(instance.status).toBe("running");
});
