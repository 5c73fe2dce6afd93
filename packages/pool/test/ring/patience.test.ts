import { availableParallelism } from "node:os";
import { expect, it } from "vitest";
import { Patience } from "../../src/ring/patience.ts";

const most = availableParallelism() > 1 ? 2000 : 0;

it("looks less when looking is in vain, and more again when it pays", () => {
  const patience = new Patience();
  expect(patience.begin()).toBe(most);
  for (let round = 0; round < 20; round += 1) patience.wasInVain();
  expect(patience.begin()).toBe(Math.min(16, most));
  patience.paid();
  expect(patience.begin()).toBe(Math.min(32, most));
  for (let round = 0; round < 20; round += 1) patience.paid();
  expect(patience.begin()).toBe(most);
});

it("tries the full patience now and then, so that it can find out that things have changed", () => {
  const patience = new Patience();
  for (let round = 0; round < 20; round += 1) patience.wasInVain();
  const looks = Array.from({ length: 64 }, () => patience.begin());
  expect(looks.filter((count) => count === most)).toHaveLength(most === 0 ? 64 : 1);
});
