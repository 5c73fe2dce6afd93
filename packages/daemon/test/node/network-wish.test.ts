import { expect, test } from "vitest";
import { networkWish } from "../../src/node/index.ts";

test.each([
  [undefined, 0, "as-is"],
  ["", 0, "as-is"],
  ["as-is", 1000, "as-is"],
  ["prepare", 0, "prepare"],
] as const)("CONSTELLATION_NETWORK=%s of user %i means %s", (value, user, wish) => {
  expect(networkWish(value === undefined ? {} : { CONSTELLATION_NETWORK: value }, user)).toBe(wish);
});

test.each([
  ["prepare", 1000, "access.denied"],
  ["Prepare", 0, "usage.invalid"],
  ["yes", 1000, "usage.invalid"],
] as const)("CONSTELLATION_NETWORK=%s of user %i is refused with %s", (value, user, code) => {
  expect(() => networkWish({ CONSTELLATION_NETWORK: value }, user)).toThrow(expect.objectContaining({ code }));
});
