import type { AppSummary, Event, Exit, Instance, InstanceState } from "@constellation/contract";
import { expect, test } from "vitest";
import { waitHealthy } from "../src/apps/wait-healthy.ts";
import type { ProgressSource, Snapshot } from "../src/apps/progress.ts";

const exit: Exit = { kind: "error", code: 1, signal: null, reason: "exited with code 1", peakMemoryBytes: null, at: 0 };
const app = (status: AppSummary["status"]): AppSummary => ({
  name: "web",
  revision: 1,
  wanted: 1,
  running: 1,
  ready: 1,
  status,
  detail: null,
  urls: [],
  source: null,
  updatedAt: 0,
});
const instance = (state: InstanceState): Instance => ({
  name: "web.1",
  app: "web",
  index: 1,
  revision: 1,
  driver: "process",
  state,
  restarts: 0,
});
const upSince = (since: number): Snapshot => ({
  apps: [app("healthy")],
  instances: [instance({ status: "running", since, pid: 1, ready: true, notReady: null })],
});
const down: Snapshot = {
  apps: [app("failed")],
  instances: [instance({ status: "failed", since: 0, last: exit, reason: "exited with code 1" })],
};

/** Snapshots one after the other; the last one stays. Nothing is told in between. */
function scripted(probed: boolean, ...snapshots: Snapshot[]): ProgressSource & { looks: number; asked: number } {
  return {
    looks: 0,
    asked: 0,
    snapshot() {
      this.looks += 1;
      return Promise.resolve(snapshots[Math.min(this.looks, snapshots.length) - 1] ?? down);
    },
    events: (signal) => ({
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise((resolve) => {
            signal.addEventListener("abort", () => resolve({ done: true, value: undefined }), { once: true });
          }),
      }),
    }),
    probed() {
      this.asked += 1;
      return Promise.resolve(probed);
    },
  };
}
const wait = (source: ProgressSource) => waitHealthy(source, ["web"], { timeoutMs: 10_000 });

test("a program that no probe watches and that ends at once was never up", async () => {
  const source = scripted(false, upSince(Date.now()), down);
  await expect(wait(source)).rejects.toMatchObject({ code: "app.unhealthy" });
  expect(source.looks).toBe(2);
});

test("one that has run for a moment is up", async () => {
  const since = Date.now();
  const source = scripted(false, upSince(since));
  expect(await wait(source)).toMatchObject([{ status: "healthy" }]);
  expect(Date.now() - since).toBeGreaterThanOrEqual(500);
  expect(source.asked).toBe(1);
});

test("one that a probe has found ready, or that has run for long, is up at once", async () => {
  const probed = scripted(true, upSince(Date.now()), down);
  await wait(probed);
  const old = scripted(false, upSince(Date.now() - 60_000), down);
  await wait(old);
  expect([probed.looks, old.looks, old.asked]).toEqual([1, 1, 0]);
});

test("one that ends again and again is late for the reason of its end, also when it runs as the time is over", async () => {
  const crashed: Snapshot = {
    apps: [app("degraded")],
    instances: [instance({ status: "backoff", since: 0, until: 1, last: exit })],
  };
  const source = scripted(false, crashed, upSince(Date.now() + 60_000));
  const told = {
    ...source,
    // Something happens at once, so that the second look follows the first.
    events: async function* (): AsyncGenerator<Event> {
      yield { type: "daemon.stopping", seq: 1, at: 0 };
      await new Promise(() => undefined);
    },
  };
  await expect(waitHealthy(told, ["web"], { timeoutMs: 200 })).rejects.toMatchObject({
    code: "call.timeout",
    message: expect.stringMatching(/web \(web\.1: exited with code 1\)/) as string,
  });
  expect(told.looks).toBe(2);
});

test("a daemon whose clock is an hour ahead of ours is believed after a moment", async () => {
  const source = scripted(false, upSince(Date.now() + 3_600_000));
  expect(await wait(source)).toMatchObject([{ status: "healthy" }]);
});

test("an app that is wanted with no instances is as wanted without any", async () => {
  const scaled = { ...app("stopped"), wanted: 0 };
  const stopping = { apps: [{ ...scaled, detail: "1 still stopping" }], instances: [] };
  const none = { apps: [{ ...scaled, running: 0, detail: "scaled to 0" }], instances: [] };
  expect(await wait(scripted(true, stopping, none))).toEqual(none.apps);
  // Who stopped it wants something else.
  const stopped = { apps: [{ ...scaled, running: 0 }], instances: [] };
  await expect(wait(scripted(true, stopped))).rejects.toMatchObject({
    code: "app.unhealthy",
    message: "App web was stopped while it was waited for",
  });
});

test("an app that is removed meanwhile is not waited for any longer", async () => {
  const source = scripted(true, { apps: [app("starting")], instances: [] }, { apps: [], instances: [] });
  await expect(wait(source)).rejects.toMatchObject({ code: "app.not-found", details: { apps: ["web"] } });
  expect(source.looks).toBe(2);
});

test("an app that had not failed yet when it was asked for is told with the reason of its instance that has", async () => {
  const between: Snapshot = { ...down, apps: [{ ...app("starting"), detail: "0 of 1 ready" }] };
  await expect(wait(scripted(false, between))).rejects.toMatchObject({
    code: "app.unhealthy",
    message: "App web failed: web.1 failed: exited with code 1; 0 of 1 ready",
  });
});
