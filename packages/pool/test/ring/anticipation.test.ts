import { availableParallelism } from "node:os";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Anticipation } from "../../src/ring/anticipation.ts";

const isPossible = availableParallelism() > 1;
const startMs = 1000;

/** Lets frames come at these times. */
function hears(timesMs: readonly number[]): Anticipation {
  const anticipation = new Anticipation();
  for (const timeMs of timesMs) anticipation.came(timeMs);
  return anticipation;
}

const regular = (periodMs: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => startMs + index * periodMs);

it("wakes shortly before the next frame of a regular stream is due, though some came late or not at all", () => {
  const period = fc.double({ min: 1.6, max: 95, noNaN: true });
  const lates = fc.array(fc.double({ min: 0, max: 0.2, noNaN: true }), { minLength: 40, maxLength: 80 });
  fc.assert(
    fc.property(period, lates, fc.nat(30), (periodMs, shares, skipped) => {
      if (!isPossible) return;
      // The first are in time, and one later is skipped: somebody did not wait for it.
      const times = shares.map(
        (share, index) => startMs + index * periodMs + (index < 9 ? 0 : Math.min(0.1, periodMs * share)),
      );
      times.splice(9 + (skipped % (times.length - 10)), 1);
      const anticipation = hears(times);
      const dueMs = startMs + shares.length * periodMs;
      const nowMs = times.at(-1) as number;
      const wakesMs = nowMs + anticipation.sleepMs(nowMs);
      expect(wakesMs).toBeGreaterThan(dueMs - 0.3);
      expect(wakesMs).toBeLessThan(dueMs);
      expect(anticipation.goesOn(dueMs)).toBe(true);
      expect(anticipation.goesOn(dueMs + 0.35)).toBe(false);
    }),
  );
});

it("wakes earlier when it woke too late, and later when it is in time, within bounds", () => {
  const times = regular(5, 20);
  const anticipation = hears(times);
  const nowMs = times.at(-1) as number;
  const leadMs = (): number => 5 - anticipation.sleepMs(nowMs);
  if (!isPossible) return;
  const first = leadMs();
  anticipation.woke(false);
  expect(leadMs()).toBeGreaterThan(first);
  for (let late = 0; late < 100; late += 1) anticipation.woke(false);
  expect(leadMs()).toBeLessThanOrEqual(0.3 + 1e-6);
  for (let early = 0; early < 1000; early += 1) anticipation.woke(true);
  expect(leadMs()).toBeCloseTo(0.05, 5);
});

it("expects nothing of streams that are too quick, too slow or not known yet", () => {
  for (const times of [regular(1, 40), regular(200, 40), regular(5, 8)])
    expect(hears(times).sleepMs(times.at(-1) as number)).toBe(0);
});

it("stops to look when looking is in vain, and learns a stream anew that has changed", () => {
  const times = regular(5, 20);
  const anticipation = hears(times);
  const lastMs = times.at(-1) as number;
  expect(anticipation.sleepMs(lastMs) > 0).toBe(isPossible);
  for (let vain = 0; vain < 5; vain += 1) expect(anticipation.goesOn(lastMs + 50)).toBe(false);
  expect(anticipation.sleepMs(lastMs)).toBe(0);
  let nowMs = lastMs;
  for (let frame = 0; frame < 40; frame += 1) anticipation.came((nowMs += 7.3));
  const sleepMs = anticipation.sleepMs(nowMs);
  if (isPossible) expect(sleepMs).toBeCloseTo(7.3 - 0.15, 1);
});
