import { expect, it } from "vitest";
import { runTicks } from "@constellation/pool";

it("ends with the error of a tick that throws", async () => {
  const tick = (index: number): void => {
    if (index === 3) throw new Error("tick");
  };
  await expect(runTicks(5, tick, new AbortController().signal)).rejects.toThrow("tick");
});

it.each([0, -1, Number.NaN, 2 ** 31])("refuses a period of %s ms", async (periodMs) => {
  await expect(runTicks(periodMs, () => undefined, new AbortController().signal)).rejects.toThrow(RangeError);
});
