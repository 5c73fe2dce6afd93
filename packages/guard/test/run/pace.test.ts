import fc from "fast-check";
import { expect, it } from "vitest";
import { nextPause } from "../../src/run/pace.ts";

it("brings a run that would take everything to the threshold, and ends when others leave room", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.4, max: 0.95, noNaN: true }),
      fc.double({ min: 0, max: 0.2, noNaN: true }),
      (threshold, others) => {
        let paused = 0;
        // The run takes all that the others leave, while it is not paused.
        const share = (): number => others + (1 - others) * (1 - paused);
        for (let look = 0; look < 60; look++) paused = nextPause(paused, share(), threshold);
        expect(Math.abs(share() - threshold)).toBeLessThan(0.06);
        for (let look = 0; look < 60; look++) paused = nextPause(paused, 0.1, threshold);
        expect(paused).toBe(0);
      },
    ),
  );
});

it("never pauses a run for good", () => {
  let paused = 0;
  for (let look = 0; look < 100; look++) paused = nextPause(paused, 1, 0.1);
  expect(paused).toBe(0.8);
});
