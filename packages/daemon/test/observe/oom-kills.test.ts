import type { RunHandle } from "@constellation/instances";
import { describe, expect, test } from "vitest";
import { OomKills } from "../../src/observe/oom-kills.ts";

const run = (startedAt: number): RunHandle => ({ facts: { startedAt } }) as RunHandle;

describe("OOM kills", () => {
  test("are told once each, of each run for itself", () => {
    const kills = new OomKills(1000);
    const [one, other] = [run(1000), run(2000)];
    expect([kills.take(one, 0), kills.take(one, 2), kills.take(one, 2), kills.take(one, 3)]).toEqual([0, 2, 0, 1]);
    expect([kills.take(other, 1), kills.take(other, 1)]).toEqual([1, 0]);
  });

  test("of a run that an earlier daemon has told of are not told again", () => {
    const kills = new OomKills(1000);
    const adopted = run(999);
    expect([kills.take(adopted, 5), kills.take(adopted, 6)]).toEqual([0, 1]);
  });
});
