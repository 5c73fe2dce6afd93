import type { Exit, InstanceState } from "@constellation/contract";
import { summarise } from "@constellation/core";
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
    updatedAt: 5,
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
  test("scaled to nothing is stopped", () => {
    expect(sum([])).toMatchObject({ status: "stopped", detail: "scaled to 0", wanted: 0 });
    expect(sum([{ status: "stopping", since: 0, pid: 1, killAt: 1 }], true, 0)).toMatchObject({
      detail: "1 still stopping",
    });
  });
});
