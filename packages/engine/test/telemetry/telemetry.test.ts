import fc from "fast-check";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ManualClock, openFileTelemetry, openMemoryTelemetry } from "../../src/index.ts";
import { BlockEncoder, decodeBlock } from "../../src/telemetry/block.ts";
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
