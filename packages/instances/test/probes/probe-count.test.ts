import fc from "fast-check";
import { countResult, noResults, type ProbeCount } from "@constellation/instances";
import { expect, test } from "vitest";

const timing = (successThreshold: number, failureThreshold: number) => ({
  initialDelayMs: 0,
  periodMs: 1000,
  timeoutMs: 1000,
  successThreshold,
  failureThreshold,
});

const play = (results: readonly boolean[], successThreshold: number, failureThreshold: number): ProbeCount =>
  results.reduce((count, ok) => countResult(count, timing(successThreshold, failureThreshold), ok), noResults);

test("one success is up by default, three failures are down, and what lies between changes nothing", () => {
  expect(play([], 1, 3).verdict).toBe("unknown");
  expect(play([false, false], 1, 3).verdict).toBe("unknown");
  expect(play([false, false, false], 1, 3).verdict).toBe("down");
  expect(play([true, false, false], 1, 3).verdict).toBe("up");
  expect(play([true, false, false, true, false, false], 1, 3).verdict).toBe("up");
  expect(play([true, false, false, false], 1, 3).verdict).toBe("down");
  expect(play([true, false, false, false, true], 2, 3).verdict).toBe("down");
});

test("the verdict is that of the last series that was long enough", () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      (results, up, down) => {
        let expected = "unknown";
        for (let end = 1; end <= results.length; end += 1) {
          const series = (ok: boolean, length: number): boolean =>
            end >= length && results.slice(end - length, end).every((result) => result === ok);
          if (series(true, up)) expected = "up";
          else if (series(false, down)) expected = "down";
        }
        expect(play(results, up, down).verdict).toBe(expected);
      },
    ),
  );
});
