import { availableParallelism } from "node:os";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Anticipation } from "../../src/ring/anticipation.ts";

const isPossible = availableParallelism() > 1;

/** Lets frames come in the given intervals. */
function hears(intervalsMs: readonly number[]): { readonly anticipation: Anticipation; readonly nowMs: number } {
  const anticipation = new Anticipation();
  let nowMs = 1000;
  for (const intervalMs of intervalsMs) anticipation.came((nowMs += intervalMs));
  return { anticipation, nowMs };
}

it("wakes shortly before the next frame of a regular stream is due, and gives up shortly after", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1.5, max: 100, noNaN: true }),
      fc.array(fc.double({ min: -0.02, max: 0.02, noNaN: true }), { minLength: 30, maxLength: 60 }),
      (periodMs, jitters) => {
        const { anticipation, nowMs } = hears(jitters.map((jitter) => periodMs * (1 + jitter)));
        const sleepMs = anticipation.sleepMs(nowMs);
        // The borders may fall to either side of what was learned.
        if (!isPossible || periodMs < 1.6 || periodMs > 97) return;
        expect(Math.abs(sleepMs - (periodMs - 0.15))).toBeLessThanOrEqual(0.02 * periodMs + 1e-6);
        expect(anticipation.goesOn(nowMs + sleepMs)).toBe(true);
        expect(anticipation.goesOn(nowMs + sleepMs + 0.3)).toBe(false);
        expect(anticipation.sleepMs(nowMs)).toBe(0);
      },
    ),
  );
});

it("expects nothing of streams that are irregular, too quick or too slow", () => {
  const regular = (periodMs: number): number[] => Array.from({ length: 40 }, () => periodMs);
  for (const intervals of [regular(1), regular(200), regular(5).slice(0, 8), [...regular(5), 9]]) {
    const { anticipation, nowMs } = hears(intervals);
    expect(anticipation.sleepMs(nowMs)).toBe(0);
  }
});
