import assert from "node:assert/strict";
import { isEngineError } from "../error.ts";
import type { StoredEvent, Telemetry } from "../telemetry/telemetry.ts";
import { caseOver, type Opened, randomFrom, type Runner } from "./runner.ts";

/** Telemetry under test. */
export interface TelemetrySubject extends Opened {
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
  readonly passMs: (ms: number) => Promise<void>;
}

type Check = (name: string, run: (subject: TelemetrySubject) => Promise<void>) => void;

/** Registers every case that telemetry must pass. */
export function telemetryConformance(runner: Runner, open: () => Promise<TelemetrySubject>): void {
  const check = caseOver(runner, open);
  recording(check);
  measuring(check);
}

function recording(check: Check): void {
  check("events are numbered in order and keep their facts", async ({ telemetry, nowMs }) => {
    telemetry.record({ kind: "instance.started", subject: "web.1", body: { pid: 7, text: "ä\0" } });
    telemetry.record({ kind: "node.ready", subject: "", atMs: 5 });
    const [first, second] = await telemetry.events();
    assert.deepEqual(first, {
      sequence: (second?.sequence ?? 0) - 1,
      atMs: nowMs(),
      kind: "instance.started",
      subject: "web.1",
      body: { pid: 7, text: "ä\0" },
    });
    assert.deepEqual([second?.atMs, second?.subject, second?.body], [5, "", null]);
  });

  check(
    "events are chosen by sequence, time, subject and kind, from either end",
    async ({ telemetry, nowMs, passMs }) => {
      const startMs = nowMs();
      for (let index = 0; index < 100; index += 1) {
        telemetry.record({ kind: index % 2 ? "odd" : "even", subject: `app${index % 3}.${index}`, body: index });
        await passMs(1000);
      }
      const bodies = async (query: Parameters<Telemetry["events"]>[0]): Promise<unknown[]> =>
        (await telemetry.events(query)).map(({ body }) => body);
      const [first] = await telemetry.events({ limit: 1 });
      assert.deepEqual(await bodies({ after: (first?.sequence ?? 0) + 9, limit: 3 }), [10, 11, 12]);
      assert.deepEqual(await bodies({ tail: 3 }), [97, 98, 99]);
      assert.deepEqual(await bodies({ tail: 2, kinds: ["even"] }), [96, 98]);
      assert.deepEqual(await bodies({ under: "app0", limit: 3 }), [0, 3, 6]);
      assert.deepEqual(await bodies({ under: "app0.6" }), [6]);
      assert.deepEqual(await bodies({ under: "app" }), []);
      assert.deepEqual(await bodies({ sinceMs: startMs + 10_000, untilMs: startMs + 12_000 }), [10, 11, 12]);
    },
  );

  check("following gives what was asked for, then what comes, without a gap", async ({ telemetry }) => {
    for (let index = 0; index < 1500; index += 1)
      telemetry.record({ kind: "e", subject: `s.${index % 2}`, body: index });
    const abort = new AbortController();
    const seen: StoredEvent[] = [];
    const ended = (async () => {
      for await (const event of telemetry.follow({ after: 0, under: "s.1", signal: abort.signal })) seen.push(event);
    })();
    while (seen.length < 750) await new Promise(setImmediate);
    for (let index = 1500; index < 1600; index += 1)
      telemetry.record({ kind: "e", subject: `s.${index % 2}`, body: index });
    await telemetry.events({ tail: 1 });
    while (seen.length < 800) await new Promise(setImmediate);
    abort.abort();
    await ended;
    assert.deepEqual(
      seen.map(({ body }) => body),
      Array.from({ length: 800 }, (_, index) => index * 2 + 1),
    );
  });

  check("malformed events and samples are refused", async ({ telemetry }) => {
    const refusedNow = (call: () => void, code: "bad-key" | "too-large"): void =>
      assert.throws(call, (error: unknown) => isEngineError(error, code));
    refusedNow(() => telemetry.record({ kind: "", subject: "" }), "bad-key");
    refusedNow(() => telemetry.record({ kind: "a", subject: "a/b" }), "bad-key");
    refusedNow(() => telemetry.record({ kind: "a", subject: "", body: "x".repeat(70_000) }), "too-large");
    refusedNow(() => telemetry.sample("a b", 1), "bad-key");
    assert.throws(() => telemetry.sample("a", Number.NaN), RangeError);
    await assert.rejects(telemetry.metric({ series: "a", fromMs: 0, untilMs: 1e9, stepMs: 1 }), RangeError);
    assert.deepEqual(await telemetry.events(), []);
  });
}

function measuring(check: Check): void {
  check(
    "samples come back in steps, however aggregated, also those of the running minute",
    async ({ telemetry, nowMs, passMs }) => {
      const fromMs = nowMs();
      const random = randomFrom(2);
      const samples: { atMs: number; value: number }[] = [];
      for (let index = 0; index < 400; index += 1) {
        const value = index % 3 ? random(1_000_000) - 500_000 : random(1000) / 7;
        samples.push({ atMs: nowMs(), value });
        telemetry.sample("web.1.cpu", value);
        await passMs(1 + random(1500));
      }
      const untilMs = nowMs();
      for (const stepMs of [1000, 7000, 60_000, 1_000_000]) {
        const steps = Array.from({ length: Math.ceil((untilMs - fromMs) / stepMs) }, (_, index) =>
          samples.filter(({ atMs }) => Math.floor((atMs - fromMs) / stepMs) === index).map(({ value }) => value),
        );
        const query = { series: "web.1.cpu", fromMs, untilMs, stepMs };
        const values = async (aggregate: "minimum" | "last" | "count"): Promise<unknown> =>
          (await telemetry.metric({ ...query, aggregate })).values;
        assert.deepEqual(
          await values("minimum"),
          steps.map((step) => (step.length > 0 ? Math.min(...step) : null)),
        );
        assert.deepEqual(
          await values("last"),
          steps.map((step) => step.at(-1) ?? null),
        );
        assert.deepEqual(
          await values("count"),
          steps.map((step) => step.length || null),
        );
        const { values: averages } = await telemetry.metric(query);
        for (const [index, step] of steps.entries()) {
          const wanted = step.length > 0 ? step.reduce((sum, value) => sum + value, 0) / step.length : null;
          assert.ok(
            wanted === null ? averages[index] === null : Math.abs((averages[index] ?? Infinity) - wanted) < 1e-6,
          );
        }
      }
    },
  );

  check("series are listed by what they are under; unknown ones are empty", async ({ telemetry, nowMs }) => {
    for (const series of ["web.1.cpu", "web.2.cpu", "webby.cpu"]) telemetry.sample(series, 1);
    assert.deepEqual(await telemetry.series("web"), ["web.1.cpu", "web.2.cpu"]);
    assert.deepEqual(await telemetry.series(), ["web.1.cpu", "web.2.cpu", "webby.cpu"]);
    const { values } = await telemetry.metric({ series: "none", fromMs: nowMs() - 10, untilMs: nowMs(), stepMs: 5 });
    assert.deepEqual(values, [null, null]);
  });

  check("a sample older than the one before is counted, not recorded", async ({ telemetry, nowMs }) => {
    telemetry.sample("a", 1, nowMs());
    telemetry.sample("a", 2, nowMs() - 1);
    assert.equal(telemetry.losses().samples, 1);
    const { values } = await telemetry.metric({
      series: "a",
      fromMs: nowMs() - 100,
      untilMs: nowMs() + 1,
      stepMs: 1000,
      aggregate: "count",
    });
    assert.deepEqual(values, [1]);
  });
}
