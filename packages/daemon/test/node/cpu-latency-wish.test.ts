import { expect, test } from "vitest";
import { cpuLatencyWish } from "../../src/node/index.ts";

test.each([
  [undefined, 1000, null],
  ["", 1000, null],
  ["0", 0, 0],
  ["20", 0, 20],
  ["1000000", 0, 1_000_000],
] as const)("CONSTELLATION_CPU_LATENCY=%s of user %i means %s µs", (value, user, wish) => {
  expect(cpuLatencyWish(value === undefined ? {} : { CONSTELLATION_CPU_LATENCY: value }, user)).toBe(wish);
});

test.each([
  ["0", 1000, "access.denied"],
  ["1000001", 0, "usage.invalid"],
  ["-1", 0, "usage.invalid"],
  ["20us", 0, "usage.invalid"],
  ["low", 0, "usage.invalid"],
] as const)("CONSTELLATION_CPU_LATENCY=%s of user %i is refused with %s", (value, user, code) => {
  expect(() => cpuLatencyWish({ CONSTELLATION_CPU_LATENCY: value }, user)).toThrow(expect.objectContaining({ code }));
});
