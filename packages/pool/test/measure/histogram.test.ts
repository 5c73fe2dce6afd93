import fc from "fast-check";
import { expect, it } from "vitest";
import { Histogram } from "@constellation/pool";

it("gives quantiles within 3.2 % and a microsecond of the true ones", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 5e9, noNaN: true }), { minLength: 1, maxLength: 300 }),
      fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1),
      (durationsUs, quantile) => {
        const histogram = new Histogram();
        for (const us of durationsUs) histogram.recordUs(us);
        const sorted = [...durationsUs].sort((left, right) => left - right);
        const trueUs = sorted[Math.ceil(quantile * sorted.length) - 1] ?? Number.NaN;
        const gotUs = histogram.quantileMs(quantile) * 1000;
        expect(Math.abs(gotUs - trueUs)).toBeLessThanOrEqual(trueUs * 0.032 + 1);
      },
    ),
  );
});

it("takes durations of any size", () => {
  const histogram = new Histogram();
  for (const us of [-5, 0, Number.NaN, 1e15, 2 ** 33]) histogram.recordUs(us);
  expect(histogram.quantiles()).toMatchObject({ count: 5 });
});
