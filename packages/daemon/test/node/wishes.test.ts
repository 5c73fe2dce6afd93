import { expect, test } from "vitest";
import { cpuLatencyWish, networkWish, warmWish } from "../../src/node/index.ts";

const wishes = {
  CONSTELLATION_NETWORK: networkWish,
  CONSTELLATION_WARM: warmWish,
  CONSTELLATION_CPU_LATENCY: cpuLatencyWish,
};

const of = (name: keyof typeof wishes, value: string | undefined, user: number): unknown =>
  wishes[name](value === undefined ? {} : { [name]: value }, user);

test.each([
  ["CONSTELLATION_NETWORK", undefined, 0, "as-is"],
  ["CONSTELLATION_NETWORK", "", 0, "as-is"],
  ["CONSTELLATION_NETWORK", "as-is", 1000, "as-is"],
  ["CONSTELLATION_NETWORK", "prepare", 0, "prepare"],
  ["CONSTELLATION_WARM", undefined, 0, "auto"],
  ["CONSTELLATION_WARM", "", 0, "auto"],
  ["CONSTELLATION_WARM", "auto", 1000, "auto"],
  ["CONSTELLATION_WARM", "0", 0, 0],
  ["CONSTELLATION_WARM", "1000", 0, 1000],
  ["CONSTELLATION_CPU_LATENCY", undefined, 1000, null],
  ["CONSTELLATION_CPU_LATENCY", "", 1000, null],
  ["CONSTELLATION_CPU_LATENCY", "0", 0, 0],
  ["CONSTELLATION_CPU_LATENCY", "20", 0, 20],
  ["CONSTELLATION_CPU_LATENCY", "1000000", 0, 1_000_000],
] as const)("%s=%s of user %i means %s", (name, value, user, wish) => {
  expect(of(name, value, user)).toBe(wish);
});

test.each([
  ["CONSTELLATION_NETWORK", "prepare", 1000, "access.denied"],
  ["CONSTELLATION_NETWORK", "Prepare", 0, "usage.invalid"],
  ["CONSTELLATION_NETWORK", "yes", 1000, "usage.invalid"],
  ["CONSTELLATION_WARM", "1001", 0, "usage.invalid"],
  ["CONSTELLATION_WARM", "-1", 0, "usage.invalid"],
  ["CONSTELLATION_WARM", "some", 0, "usage.invalid"],
  ["CONSTELLATION_CPU_LATENCY", "0", 1000, "access.denied"],
  ["CONSTELLATION_CPU_LATENCY", "1000001", 0, "usage.invalid"],
  ["CONSTELLATION_CPU_LATENCY", "-1", 0, "usage.invalid"],
  ["CONSTELLATION_CPU_LATENCY", "20us", 0, "usage.invalid"],
  ["CONSTELLATION_CPU_LATENCY", "low", 0, "usage.invalid"],
] as const)("%s=%s of user %i is refused with %s", (name, value, user, code) => {
  expect(() => of(name, value, user)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(code === "usage.invalid" ? name : "only root") }),
  );
});
