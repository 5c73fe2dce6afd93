import fc from "fast-check";
import { closeSync, openSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type EngineClock, ManualClock, openFileTelemetry, openMemoryTelemetry } from "../../src/index.ts";
import { sqlCode, SqlFailure } from "../../src/sqlite/database.ts";
import { sqlDriver } from "../../src/sqlite/driver.ts";
import { migrate } from "../../src/sqlite/migrate.ts";
import { BlockEncoder, decodeBlock } from "../../src/telemetry/block.ts";
import { telemetrySchema } from "../../src/telemetry/schema.ts";
import { SqliteTelemetry } from "../../src/telemetry/sqlite.ts";
import { namesIn, scratch } from "../scratch.ts";

const hourMs = 3_600_000;

test("a block gives back every point exactly", () => {
  const value = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.maxSafeInteger(),
    fc.constantFrom(0, -0, 1.5, 2 ** 50, -(2 ** 50)),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(70_000), value), { maxLength: 200 }), (steps) => {
      const baseMs = 1_700_000_000_000;
      const encoder = new BlockEncoder(baseMs);
      let atMs = baseMs;
      const points = steps.map(([stepMs, each]) => ({ atMs: (atMs += stepMs), value: each }));
      for (const point of points) encoder.add(point.atMs, point.value);
      const decoded = decodeBlock(baseMs, encoder.bytes());
      expect(decoded.length).toBe(points.length);
      for (const [index, point] of points.entries()) {
        expect(decoded[index]?.atMs).toBe(point.atMs);
        expect(Object.is(decoded[index]?.value, point.value)).toBe(true);
      }
    }),
  );
});

test("a damaged block is decoded without an error", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeBlock(0, bytes)));
});

test("a minute of samples every second takes a few bytes each", () => {
  const encoder = new BlockEncoder(0);
  for (let second = 0; second < 60; second += 1) encoder.add(second * 1000, 50_000_000 + second * 4096);
  expect(encoder.bytes().byteLength).toBeLessThan(60 * 6);
});

test("events and samples survive a restart, and sequences go on", async () => {
  const path = join(scratch(), "telemetry.db");
  const clock = new ManualClock();
  const first = openFileTelemetry({ path, clock });
  first.record({ kind: "one", subject: "" });
  first.sample("a", 1);
  clock.advance(61_000);
  first.sample("a", 2);
  await first.close();
  const second = openFileTelemetry({ path, clock });
  clock.advance(1000);
  second.sample("a", 3);
  second.record({ kind: "two", subject: "" });
  expect((await second.events()).map(({ kind, sequence }) => [kind, sequence])).toEqual([
    ["one", 1],
    ["two", 2],
  ]);
  const startMs = clock.wallMs() - 62_000;
  const { values } = await second.metric({
    series: "a",
    fromMs: startMs,
    untilMs: startMs + 70_000,
    stepMs: 70_000,
    aggregate: "sum",
  });
  expect(values).toEqual([6]);
  await second.close();
});

test("old parts are dropped by age and by size, and forgotten series go with them", async () => {
  const clock = new ManualClock();
  const telemetry = openMemoryTelemetry({ clock, keepMs: 10 * hourMs, partMs: hourMs });
  for (let hour = 0; hour < 30; hour += 1) {
    telemetry.record({ kind: "tick", subject: "", body: hour });
    telemetry.sample(`s.${hour}`, hour);
    clock.advance(hourMs);
  }
  telemetry.record({ kind: "tick", subject: "", body: 30 });
  await telemetry.flush();
  const kept = (await telemetry.events()).map(({ body }) => body as number);
  expect(kept.length).toBeLessThanOrEqual(12);
  expect(kept.at(-1)).toBe(30);
  expect((await telemetry.series()).length).toBeLessThanOrEqual(12);
  await telemetry.close();

  const small = openMemoryTelemetry({ clock, partMs: hourMs, maxBytes: 200_000 });
  for (let hour = 0; hour < 20; hour += 1) {
    for (let count = 0; count < 50; count += 1) small.record({ kind: "tick", subject: "", body: "x".repeat(1000) });
    clock.advance(hourMs);
  }
  await small.flush();
  const count = (await small.events({ limit: 10_000 })).length;
  expect(count).toBeGreaterThan(50);
  expect(count).toBeLessThan(300);
  await small.close();
});

test("one part that is too much by itself is not kept whole until its time is over", async () => {
  const clock = new ManualClock();
  const telemetry = openMemoryTelemetry({ clock, maxBytes: 400_000, partMs: 6 * hourMs });
  for (let minute = 0; minute < 60; minute += 1) {
    for (let count = 0; count < 50; count += 1)
      telemetry.record({ kind: "tick", subject: "", body: `${minute} ${"x".repeat(1000)}` });
    clock.advance(60_000);
  }
  await telemetry.flush();
  const kept = await telemetry.events({ limit: 10_000 });
  expect(kept.length).toBeGreaterThan(100);
  expect(kept.length).toBeLessThan(700);
  expect(kept.at(-1)?.body).toMatch(/^59 /);
  expect(kept.map(({ sequence }) => sequence)).toEqual(
    Array.from({ length: kept.length }, (_, index) => 3000 - kept.length + 1 + index),
  );
  await telemetry.close();
});

test("a follower that is busy, or leaves, misses nothing and waits for nothing", async () => {
  const clock = new ManualClock();
  const telemetry = openMemoryTelemetry({ clock });
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const { kind } of telemetry.follow({ after: 0, signal: stop.signal })) {
      seen.push(kind);
      if (kind === "one") {
        telemetry.record({ kind: "two", subject: "" });
        // Written while the follower has not asked for more yet.
        await telemetry.flush();
      } else stop.abort();
    }
  })();
  telemetry.record({ kind: "one", subject: "" });
  clock.advance(50);
  await following;
  expect(seen).toEqual(["one", "two"]);
  await telemetry.close();
  expect(clock.pending).toBe(0);
});

test("what no file takes is refused at once, and holds up nothing", async () => {
  const telemetry = openMemoryTelemetry({ clock: new ManualClock() });
  for (const atMs of [Number.NaN, Infinity]) {
    expect(() => telemetry.record({ kind: "bad", subject: "", atMs })).toThrow(RangeError);
    expect(() => telemetry.sample("bad", 1, atMs)).toThrow(RangeError);
  }
  telemetry.record({ kind: "good", subject: "", body: () => "no JSON" });
  expect(await telemetry.events()).toMatchObject([{ kind: "good", body: null }]);
  await telemetry.close();
});

test("what was written is not written again when nothing can be dropped", async () => {
  const clock = new ManualClock();
  const drops: string[] = [];
  const telemetry = new SqliteTelemetry({
    path: ":memory:",
    clock,
    partMs: hourMs,
    keepMs: hourMs,
    open: () => {
      const database = sqlDriver().open(":memory:");
      migrate(database, ":memory:", telemetrySchema);
      return {
        ...database,
        exec(sql) {
          if (!sql.includes("DROP TABLE")) return database.exec(sql);
          drops.push(sql);
          if (drops.length === 1) throw new SqlFailure("database or disk is full", sqlCode.full, undefined);
          return database.exec(sql);
        },
      };
    },
  });
  for (let hour = 0; hour < 4; hour += 1) {
    telemetry.record({ kind: `hour-${hour}`, subject: "" });
    clock.advance(hourMs);
  }
  expect(drops.length).toBeGreaterThan(1);
  expect(telemetry.losses().lastFailure).toMatch(/disk is full/);
  expect((await telemetry.events()).map(({ kind, sequence }) => [kind, sequence]).at(-1)).toEqual(["hour-3", 4]);
  await telemetry.close();
});

test("a disk that takes nothing is asked once in a second, and what waits for it is bounded and counted", async () => {
  const clock = new ManualClock();
  let opened = 0;
  const telemetry = new SqliteTelemetry({
    path: "nowhere",
    clock,
    open: () => {
      opened += 1;
      throw new SqlFailure("disk I/O error", sqlCode.ioError, undefined);
    },
  });
  for (let minute = 0; minute < 45; minute += 1) {
    for (let series = 0; series < 500; series += 1) telemetry.sample(`s.${series}`, minute);
    clock.advance(60_000);
  }
  expect(opened).toBeLessThan(45 * 62);
  // 45 blocks of each series, of which the newest is not full.
  expect(telemetry.losses().samples).toBe(500 * 44 - 20_000);
  await expect(telemetry.close()).rejects.toThrow(/disk I\/O error/);
});

test("samples go on when the clock is set back", async () => {
  const clock = new ManualClock();
  const telemetry = openMemoryTelemetry({ clock });
  telemetry.sample("a", 1);
  const backMs = clock.wallMs() - hourMs;
  for (let second = 0; second < 100; second += 1) telemetry.sample("a", 2, backMs + second * 1000);
  expect(telemetry.losses().samples).toBe(0);
  const range = {
    series: "a",
    fromMs: backMs,
    untilMs: backMs + 2 * hourMs,
    stepMs: hourMs,
    aggregate: "count",
  } as const;
  expect((await telemetry.metric(range)).values).toEqual([100, 1]);
  await telemetry.flush();
  expect((await telemetry.metric(range)).values).toEqual([100, 1]);
  await telemetry.close();
});

test("what is too much goes also after the clock was set back from far ahead", async () => {
  const manual = new ManualClock();
  let aheadMs = 365 * 24 * hourMs;
  const clock: EngineClock = {
    wallMs: () => manual.wallMs() + aheadMs,
    monotonicMs: () => manual.monotonicMs(),
    after: (delayMs, run) => manual.after(delayMs, run),
  };
  const telemetry = openMemoryTelemetry({ clock, maxBytes: 400_000 });
  for (let minute = 0; minute < 60; minute += 1) {
    for (let count = 0; count < 50; count += 1)
      telemetry.record({ kind: "tick", subject: "", body: `${minute} ${"x".repeat(1000)}` });
    manual.advance(60_000);
    aheadMs = 0;
  }
  const kept = await telemetry.events({ limit: 10_000 });
  expect(kept.length).toBeLessThan(700);
  expect(kept.at(-1)?.body).toMatch(/^59 /);
  await telemetry.close();
});

test("a full queue drops and counts", async () => {
  const clock = new ManualClock();
  const telemetry = openMemoryTelemetry({ clock });
  for (let count = 0; count < 10_500; count += 1) telemetry.record({ kind: "e", subject: "" });
  expect(telemetry.losses().events).toBe(500);
  expect((await telemetry.events({ limit: 20_000 })).length).toBe(10_000);
  await telemetry.close();
});

test("recording is written within moments, a thousand rows at a time", async () => {
  const clock = new ManualClock();
  const path = join(scratch(), "telemetry.db");
  const telemetry = openFileTelemetry({ path, clock });
  for (let count = 0; count < 2500; count += 1) telemetry.record({ kind: "e", subject: "" });
  clock.advance(50);
  clock.advance(50);
  clock.advance(50);
  expect(clock.pending).toBe(0);
  await telemetry.close();
});

test("a damaged file is kept aside, said so, and recording goes on", async () => {
  const directory = scratch();
  const path = join(directory, "telemetry.db");
  writeFileSync(path, "no database at all, but long enough to have a header of a hundred bytes".repeat(3));
  const telemetry = openFileTelemetry({ path, clock: new ManualClock() });
  telemetry.record({ kind: "after", subject: "" });
  expect((await telemetry.events()).map(({ kind }) => kind).sort()).toEqual(["after", "engine.telemetry-replaced"]);
  await telemetry.close();
  expect(namesIn(directory)).toEqual(["telemetry.db", "telemetry.db.damaged"]);
});

test("damage that is found only later is no end of recording, and sequences go on", async () => {
  for (const isOpen of [false, true]) {
    const directory = scratch();
    const path = join(directory, "telemetry.db");
    const clock = new ManualClock();
    let telemetry = openFileTelemetry({ path, clock });
    for (let count = 0; count < 5000; count += 1)
      telemetry.record({ kind: "before", subject: "", body: "x".repeat(500) });
    await telemetry.close();
    telemetry = openFileTelemetry({ path, clock });
    if (isOpen) expect(await telemetry.events({ tail: 1 })).toMatchObject([{ sequence: 5000 }]);
    const file = openSync(path, "r+");
    for (let at = 4096; at < statSync(path).size; at += 4096) writeSync(file, Buffer.alloc(4096, 0x5a), 0, 4096, at);
    closeSync(file);
    telemetry.record({ kind: "after", subject: "" });
    const found = await telemetry.events({ limit: 10 });
    expect(found.map(({ kind }) => kind).filter((kind) => kind === "engine.telemetry-replaced")).toHaveLength(1);
    telemetry.record({ kind: "last", subject: "" });
    const last = (await telemetry.events({ tail: 1 }))[0];
    expect(last?.kind).toBe("last");
    if (isOpen) expect(last?.sequence).toBeGreaterThan(5000);
    await telemetry.close();
    expect(namesIn(directory)).toContain("telemetry.db.damaged");
    expect(clock.pending).toBe(0);
  }
});
