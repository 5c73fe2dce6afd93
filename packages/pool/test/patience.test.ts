import { availableParallelism } from "node:os";
import { expect, it } from "vitest";
import { Patience } from "../src/patience.ts";

const most = availableParallelism() > 1 ? 2048 : 0;
const fewest = most / 128;

it("looks less when looking is in vain, and as long as it may when it has paid", () => {
  const patience = new Patience(2048);
  expect(patience.begin()).toBe(most);
  patience.wasInVain();
  expect(patience.begin()).toBe(most / 2);
  for (let round = 0; round < 20; round += 1) patience.wasInVain();
  expect(patience.begin()).toBe(fewest);
  patience.paid();
  expect(patience.begin()).toBe(most);
});

it("tries the full patience now and then, so that it can find out that things have changed", () => {
  const patience = new Patience(2048);
  for (let round = 0; round < 20; round += 1) patience.wasInVain();
  const looks = Array.from({ length: 64 }, () => patience.begin());
  expect(looks.filter((count) => count === most)).toHaveLength(most === 0 ? 64 : 1);
});
