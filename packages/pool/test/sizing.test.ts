import fc from "fast-check";
import { expect, it } from "vitest";
import { sizePool } from "../src/sizing.ts";

const facts = {
  workers: "auto",
  spares: "auto",
  cores: 4,
  workerBytes: 1e7,
  availableBytes: 1e10,
  total: 256,
} as const;

it("is one worker per core and twice as many spares, and says so", () => {
  expect(sizePool(facts)).toEqual({
    workers: 4,
    spares: 8,
    reason: "4 workers: 4 for 4 cores; 8 spares: 8 for twice 4 cores; one holds 10.0 MB, 10000 MB are available",
  });
  expect(sizePool({ ...facts, total: 6 })).toMatchObject({
    workers: 4,
    spares: 2,
    reason: expect.stringMatching(/cut by total 6/) as string,
  });
  expect(sizePool({ ...facts, workerBytes: 1e9 })).toMatchObject({
    workers: 4,
    spares: 1,
    reason: expect.stringMatching(/cut by memory/) as string,
  });
});

it("takes no more than half of the memory and no more than the total, but for one of each kind", () => {
  const wish = fc.oneof(fc.constant("auto" as const), fc.nat(20));
  const plan = fc.record({
    workers: wish,
    spares: wish,
    cores: fc.double({ min: 0.1, max: 64, noNaN: true }),
    workerBytes: fc.nat(1e9),
    availableBytes: fc.nat(32e9),
    total: fc.integer({ min: 1, max: 300 }),
  });
  fc.assert(
    fc.property(plan, (given) => {
      const { workers, spares } = sizePool(given);
      if (given.workers !== "auto") expect(workers).toBe(given.workers);
      else expect(workers).toBeGreaterThanOrEqual(1);
      if (given.spares !== "auto") expect(spares).toBe(given.spares);
      else expect(spares).toBeGreaterThanOrEqual(1);
      const isAtLeast = (given.workers !== "auto" || workers === 1) && (given.spares !== "auto" || spares === 1);
      if (isAtLeast) return;
      expect(workers + spares).toBeLessThanOrEqual(given.total);
      expect((workers + spares) * given.workerBytes).toBeLessThanOrEqual(given.availableBytes / 2);
    }),
    { numRuns: 1000 },
  );
});
