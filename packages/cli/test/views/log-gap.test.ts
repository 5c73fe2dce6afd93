import { expect, test } from "vitest";
import { logGap } from "../../src/views/log-gap.ts";

test("what is missing of a log is told with how much and since when, as far as that is known", () => {
  const time = "2026-11-22T20:34:05.123456789Z";
  expect(logGap({ time, gapBytes: 2_000_000 })).toBe("(at least 2 MB are missing here since 2026-11-22T20:34:05Z)");
  expect(logGap({ time, gapBytes: 0 })).toBe(
    "(lines are missing here since 2026-11-22T20:34:05Z: they were rotated away before they could be read, and nobody knows how many)",
  );
  expect(logGap({ time: "", gapBytes: 5 })).toBe("(at least 5 B are missing here)");
});
