import type { Exit, InstanceState } from "@constellation/contract";
import { summarise } from "@constellation/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const exit: Exit = { kind: "error", code: 3, signal: null, reason: "ended with code 3", peakMemoryBytes: null, at: 0 };
const up: InstanceState = { status: "running", since: 0, pid: 1, ready: true, notReady: null };
const coming: InstanceState = { ...up, ready: false, notReady: "http answered 503" };
const sum = (states: InstanceState[], current = true, wanted = states.length) =>
  summarise({
    name: "web",
    revision: 7,
    mode: "running",
    wanted,
    source: null,
    updatedAt: 5,
    blockedBy: null,
    instances: states.map((state, at) => ({ name: `web.${at + 1}`, state, revision: 7, current })),
  });

describe("the status of an app", () => {
  test.each([
    ["healthy", null, [up, up]],
    ["starting", "1 of 2 ready; web.2: http answered 503", [up, coming]],
    [
      "starting",
      "0 of 1 ready; web.1 waits for db to be healthy",
      [{ status: "waiting", since: 0, for: "db to be healthy" }],
    ],
    [
      "degraded",
      "web.2 is started again after: ended with code 3; 1 of 2 ready",
      [up, { status: "backoff", since: 0, until: 9, last: exit }],
    ],
    [
      "degraded",
      "web.2 failed: gave up after 5 restarts; 1 of 2 ready",
      [up, { status: "failed", since: 0, last: exit, reason: "gave up after 5 restarts" }],
    ],
    [
      "failed",
      "web.1 failed: no such program; 0 of 1 ready",
      [{ status: "failed", since: 0, last: null, reason: "no such program" }],
    ],
    ["completed", null, [{ status: "completed", since: 0, last: { ...exit, code: 0 } }]],
  ] as [string, string | null, InstanceState[]][])("%s: %s", (status, detail, states) => {
    expect(sum(states)).toMatchObject({ status, detail });
  });
  test("during an update counts the newest revision and names who still serves", () => {
    expect(sum([up, up], false)).toMatchObject({
      status: "starting",
      running: 2,
      ready: 0,
      detail: "revision 7: 0 of 2 ready, 2 of an earlier one still serve",
    });
  });
  test("what failed of an earlier revision says nothing about the newest", () => {
    const failed: InstanceState = { status: "failed", since: 0, last: exit, reason: "no such program" };
    expect(sum([failed, failed], false)).toMatchObject({ status: "degraded" });
    expect(sum([failed, failed], true)).toMatchObject({ status: "failed" });
  });

  const states: fc.Arbitrary<InstanceState> = fc.constantFrom<InstanceState>(
    up,
    coming,
    { status: "waiting", since: 0, for: "db" },
    { status: "starting", since: 0 },
    { status: "stopping", since: 0, pid: 1, killAt: 1 },
    { status: "backoff", since: 0, until: 9, last: exit },
    { status: "stopped", since: 0, last: null },
    { status: "completed", since: 0, last: { ...exit, code: 0 } },
    { status: "failed", since: 0, last: exit, reason: "no such program" },
  );
  const ended = ["failed", "completed", "stopped"];

  test("whatever its instances do, it follows from what users can see", () => {
    const instance = fc.record({ state: states, current: fc.boolean() });
    fc.assert(
      fc.property(fc.array(instance, { maxLength: 6 }), fc.integer({ min: 0, max: 6 }), (instances, wanted) => {
        const named = instances.map((each, at) => ({ ...each, name: `web.${at + 1}`, revision: each.current ? 7 : 6 }));
        const { status, detail, ready, running } = summarise({
          name: "web",
          revision: 7,
          mode: "running",
          wanted,
          source: null,
          updatedAt: 5,
          blockedBy: null,
          instances: named,
        });
        const count = (is: (each: (typeof named)[number]) => boolean): number => named.filter(is).length;
        const isReady = ({ state, current }: (typeof named)[number]): boolean =>
          current && state.status === "running" && state.ready;
        const hasDone = ({ state, current }: (typeof named)[number]): boolean =>
          current && state.status === "completed";
        expect(ready).toBe(Math.min(wanted, count(isReady)));
        if (wanted === 0) {
          expect(status).toBe("stopped");
          return;
        }
        // Healthy or completed: exactly when as many as wanted of the newest revision are.
        expect(status === "healthy" || status === "completed").toBe(count(isReady) + count(hasDone) >= wanted);
        // Failed: nothing moves any more, and it was the newest revision that failed.
        if (status === "failed") {
          expect(named.every(({ state }) => ended.includes(state.status))).toBe(true);
          expect(named.some(({ state, current }) => current && state.status === "failed")).toBe(true);
          expect(running).toBe(0);
        }
        if (status !== "healthy" && status !== "completed") expect(detail).not.toBe(null);
        // Instances of an earlier revision never make it worse than degraded.
        if (named.every(({ current }) => !current)) expect(status).not.toBe("failed");
      }),
      { numRuns: 2000 },
    );
  });

  test("the one too many of an update is not counted as ready, nor what a stop has not reached yet", () => {
    expect(sum([up, up, up], true, 2)).toMatchObject({ ready: 2, running: 3, status: "healthy" });
    expect(sum([up, up], true, 0)).toMatchObject({ ready: 0, running: 2 });
  });

  test("an update that waits for a dependency says for which", () => {
    const input = { name: "web", revision: 7, mode: "running", wanted: 1, source: null, updatedAt: 5 } as const;
    const before = { name: "web.1", state: up, revision: 6, current: false };
    expect(
      summarise({ ...input, instances: [before], blockedBy: "db to be healthy (0 of 1 instances)" }),
    ).toMatchObject({
      status: "starting",
      detail:
        "revision 7: 0 of 1 ready, 1 of an earlier one still serve; the update waits for db to be healthy (0 of 1 instances)",
    });
  });

  test("scaled to nothing is stopped", () => {
    expect(sum([])).toMatchObject({ status: "stopped", detail: "scaled to 0", wanted: 0 });
    expect(sum([{ status: "stopping", since: 0, pid: 1, killAt: 1 }], true, 0)).toMatchObject({
      detail: "1 still stopping",
    });
  });
});
