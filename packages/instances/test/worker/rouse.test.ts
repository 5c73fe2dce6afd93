import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rouseProgram } from "../../src/launch/records/control.ts";
import { asRoot } from "../launch/world.ts";
import { end, line } from "../process/runs.ts";
import { BothWays } from "./both-ways.ts";

const { signal } = new AbortController();

describe.skipIf(!asRoot)("a Node that waits is roused", () => {
  let ways: BothWays;
  beforeAll(async () => void (ways = await BothWays.open()));
  afterAll(() => ways.close());

  test.each([1, 1000])("%i times before anybody wants it, and begins as ever", async (times) => {
    const request = ways.request({
      name: "roused",
      script: 'console.log(JSON.stringify([process.argv.length, Object.keys(process.env).includes("A")]));',
      spec: { env: { A: "1" } },
      args: ["word"],
    });
    await ways.spareFor(request);
    const folder = join(ways.playground.runtime, "spares");
    for (const spare of readdirSync(folder))
      for (let time = 0; time < times; time += 1) rouseProgram(join(folder, spare));
    const handle = await ways.driver.start(request, { signal });
    expect(await line(handle, /^\[/)).toBe("[3,true]");
    expect(handle.facts.start).toBe("warm");
    await end(ways.driver, handle);
    expect(ways.troubles).toEqual([]);
  });
});
