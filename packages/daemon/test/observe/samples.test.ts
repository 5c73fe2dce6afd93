import type { Sample, SamplesQuery } from "@constellation/contract";
import { emptyReading, type Look, type Reading, type RunHandle } from "@constellation/instances";
import { describe, expect, test } from "vitest";
import { Observations } from "../../src/agent/index.ts";
import { Sampling } from "../../src/observe/index.ts";

/** Instances whose counters are the test's; how often they were read is counted. */
function world(...names: string[]) {
  const observations = new Observations();
  const counters = { nowMs: 10_000, cpuTimeUs: 500_000, reads: 0 };
  const handles: { stats: () => Reading }[] = [];
  const looks = new Set<Look | undefined>();
  for (const name of names) {
    const [app = "", index = "1"] = name.split(".");
    const state = { status: "running", since: 9000, pid: 1, ready: true, notReady: null } as const;
    const handle = {
      facts: { runId: name, startedAt: 9000 },
      stats: (look?: Look) => {
        looks.add(look);
        counters.reads += 1;
        return { ...emptyReading, cpuTimeUs: counters.cpuTimeUs, memoryBytes: 7 };
      },
    };
    handles.push(handle);
    const run = { handle: handle as unknown as RunHandle, ports: [] };
    observations.report({
      app,
      index: Number(index),
      revision: 1,
      tries: 0,
      refused: null,
      begunAt: null,
      driver: "fake",
      state,
      restarts: 2,
      run,
      history: [],
    });
  }
  return { observations, counters, handles, looks, sampling: new Sampling(observations, () => counters.nowMs) };
}

async function take(sampling: Sampling, query: SamplesQuery, count: number, between: () => void): Promise<Sample[]> {
  const stop = new AbortController();
  const samples: Sample[] = [];
  for await (const round of sampling.stream(query, () => ({ signal: stop.signal, forget: () => undefined }))) {
    samples.push(...round);
    if (samples.length >= count) stop.abort();
    between();
  }
  return samples;
}

describe("sampling", () => {
  test("gives the share of a core since the look before", async () => {
    const { sampling, counters } = world("web.1");
    const samples = await take(sampling, { intervalMs: 100, follow: true }, 2, () => {
      counters.nowMs += 1000;
      counters.cpuTimeUs += 250_000;
    });
    expect(samples[1]).toMatchObject({ app: "web", instance: "web.1", cpuPercent: 25, restarts: 2, uptimeMs: 2000 });
  });

  test.each([
    { count: 200, intervalMs: 1000, look: "whole" },
    { count: 201, intervalMs: 1000, look: "in-turn" },
    { count: 20, intervalMs: 100, look: "whole" },
    { count: 21, intervalMs: 100, look: "in-turn" },
  ])("of $count instances every $intervalMs ms a look is $look", async ({ count, intervalMs, look }) => {
    const { sampling, looks } = world(...Array.from({ length: count }, (_, at) => `web.${at + 1}`));
    await take(sampling, { intervalMs, follow: true }, 1, () => undefined);
    expect([...looks]).toEqual([look]);
  });

  test("once looks at every instance, and only at those of the app when one is named", async () => {
    const { sampling } = world("web.1", "web.2", "db.1");
    const all = await take(sampling, {}, Infinity, () => undefined);
    expect(all.map(({ instance }) => instance)).toEqual(["db.1", "web.1", "web.2"]);
    const web = await take(sampling, { app: "web" }, Infinity, () => undefined);
    expect(web.map(({ instance }) => instance)).toEqual(["web.1", "web.2"]);
  });

  test("a round of many instances holds up nothing for long", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `web.${index + 1}`);
    const { sampling, counters, handles } = world(...names);
    const order: string[] = [];
    for (const handle of handles) {
      const { stats } = handle;
      handle.stats = () => {
        counters.nowMs += 1;
        order.push("read");
        return stats();
      };
    }
    let isOver = false;
    const others = (): void => {
      order.push("other");
      if (!isOver) setImmediate(others);
    };
    setImmediate(others);
    const samples = await take(sampling, {}, Infinity, () => undefined);
    isOver = true;
    expect(samples.map(({ instance }) => instance).toSorted()).toEqual(names.toSorted());
    expect(order.join("").split("other").toSorted().at(-1)).toBe("readreadread");
  });

  test("many readers at one moment share one reading", async () => {
    const { sampling, counters } = world("web.1");
    await Promise.all(Array.from({ length: 50 }, () => take(sampling, {}, 1, () => undefined)));
    expect(counters.reads).toBeLessThanOrEqual(4);
  });
});
