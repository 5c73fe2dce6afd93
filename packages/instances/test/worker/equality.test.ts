import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asRoot } from "../launch/world.ts";
import { BothWays } from "./both-ways.ts";
import { commonJsCases, moduleCases } from "./equality-cases.ts";

describe.skipIf(!asRoot)("a script sees the same, started warm or cold", () => {
  let ways: BothWays;
  beforeAll(async () => void (ways = await BothWays.open()));
  afterAll(() => ways.close());

  test.each([...moduleCases, ...commonJsCases])("$name", async (given) => {
    const { warm, cold } = await ways.see(given);
    expect(ways.troubles).toEqual([]);
    expect([warm.start, cold.start]).toEqual(["warm", "cold"]);
    expect({ ...warm, start: "" }).toEqual({ ...cold, start: "" });
    // Nothing twice would be equal, too.
    const silent = warm.stdout.length + warm.stderr.length === 0;
    expect(silent && warm.exit.kind === "completed" && warm.exit.code === 0 && given.silent !== true).toBe(false);
  });
});
