import { defaultRestart, type InstanceState, type RestartPolicy } from "@constellation/contract";
import { checkDependencies, startLayers, stopLayers, unmetDependency } from "@constellation/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const app = (name: string, ...needs: string[]) => ({
  name,
  restart: defaultRestart,
  dependsOn: needs.map((need) => ({ app: need, condition: "healthy" as const })),
});

describe("the order of apps", () => {
  test("starts dependencies first and stops them last", () => {
    const apps = [app("web", "api", "cache"), app("api", "db"), app("db"), app("cache")];
    expect(startLayers(apps)).toEqual([["cache", "db"], ["api"], ["web"]]);
    expect(stopLayers(apps)).toEqual([["web"], ["api"], ["cache", "db"]]);
  });

  test("names the cycle and only the cycle", () => {
    const apps = [app("entry", "a"), app("a", "b"), app("b", "c"), app("c", "a")];
    expect(() => startLayers(apps)).toThrow("Cannot order the apps: a depends on b depends on c depends on a");
  });

  test("an unknown dependency is named", () => {
    expect(() => checkDependencies([app("web", "db")])).toThrow("Cannot apply web: it depends on db");
  });

  test("what is restarted for ever never completes", () => {
    const job = (policy: RestartPolicy["policy"]) => ({ ...app("job"), restart: { ...defaultRestart, policy } });
    const web = { ...app("web"), dependsOn: [{ app: "job", condition: "completed" as const }] };
    expect(() => checkDependencies([web, job("always")])).toThrow("it waits for job to have completed");
    for (const policy of ["on-failure", "never"] as const) checkDependencies([web, job(policy)]);
    checkDependencies([app("web", "job"), job("always")]);
  });

  test("holds for any graph without a cycle, and every cycle is found", () => {
    const edges = fc.array(fc.tuple(fc.nat(11), fc.nat(11)), { maxLength: 40 });
    fc.assert(
      fc.property(edges, (list) => {
        const needs = (from: number) => list.filter(([a, b]) => a === from && b < a).map(([, b]) => `n${b}`);
        const apps = Array.from({ length: 12 }, (_, at) => app(`n${at}`, ...needs(at)));
        const layers = startLayers(apps);
        const layerOf = (name: string) => layers.findIndex((layer) => layer.includes(name));
        expect(layers.flat().sort()).toEqual(apps.map(({ name }) => name).sort());
        for (const { name, dependsOn } of apps)
          for (const need of dependsOn) expect(layerOf(need.app)).toBeLessThan(layerOf(name));
        const first = apps[0];
        const reachable = apps.findLast((candidate) => candidate.dependsOn.some((need) => need.app === "n0"));
        if (first && reachable) {
          const looped = apps.map((each) => (each === first ? app("n0", reachable.name) : each));
          expect(() => startLayers(looped)).toThrow("n0");
        }
      }),
    );
  });
});

describe("a condition", () => {
  const states = (...list: Partial<InstanceState>[]) => list as InstanceState[];
  const on = (condition: "started" | "healthy" | "completed", list: InstanceState[], wanted = 1) =>
    unmetDependency([{ app: "db", condition }], () => ({ wanted, states: list }));
  const up = { status: "running", since: 0, pid: 1, ready: false, notReady: null } as const;

  test("started needs a process, healthy a ready one, completed an end with code 0", () => {
    expect(on("started", states({ status: "starting" }))).toBe("db to be started (0 of 1 instances)");
    expect(on("started", states(up))).toBeNull();
    expect(on("healthy", states(up))).toBe("db to be healthy (0 of 1 instances)");
    expect(on("healthy", states({ ...up, ready: true }))).toBeNull();
    expect(on("completed", states({ ...up, ready: true }))).toBe("db to be completed (0 of 1 instances)");
    expect(on("completed", states({ status: "completed" }))).toBeNull();
  });
  test("counts all instances", () => {
    expect(on("healthy", states({ ...up, ready: true }, up), 2)).toBe("db to be healthy (1 of 2 instances)");
  });
  test("of an app that is not there is named", () => {
    expect(unmetDependency([{ app: "db", condition: "started" }], () => null)).toBe("db to exist");
  });
});
