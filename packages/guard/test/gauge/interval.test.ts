import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextIntervalMs } from "../../src/gauge/interval.ts";

const GiB = 1024 ** 3;

describe("the sampling interval", () => {
  it("is within its bounds, and shorter with less room or faster growth", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e13, noNaN: true }),
        fc.double({ min: 0, max: 1e8, noNaN: true }),
        (room, growth) => {
          const wait = nextIntervalMs(room, growth);
          expect(wait).toBeGreaterThanOrEqual(growth > 0 && room / growth < 400 ? 20 : 50);
          expect(wait).toBeLessThanOrEqual(1000);
          expect(nextIntervalMs(room / 2, growth)).toBeLessThanOrEqual(wait);
          expect(nextIntervalMs(room, growth * 2)).toBeLessThanOrEqual(wait);
        },
      ),
    );
  });

  it("looks at least four times while the fastest filler fills the room that is left", () => {
    expect(nextIntervalMs(24 * GiB, 0)).toBe(1000);
    expect(nextIntervalMs(4 * GiB, 0)).toBeCloseTo(400);
    expect(nextIntervalMs(GiB, 0)).toBe(100);
    expect(nextIntervalMs(0, 0)).toBe(50);
  });

  it("looks at least four times more before what grows now is at the bound", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e6, max: 1e12, noNaN: true }),
        fc.double({ min: 80, max: 1e5, noNaN: true }),
        (room, fullMs) => {
          expect(nextIntervalMs(room, room / fullMs)).toBeLessThanOrEqual(fullMs / 4 + 1e-9);
        },
      ),
    );
  });
});
