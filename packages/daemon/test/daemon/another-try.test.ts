import type { AppInput, AppSummary } from "@constellation/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually, Machine } from "./harness.ts";

let machine: Machine;
beforeEach(async () => {
  machine = new Machine();
  await machine.start();
});
afterEach(async () => {
  await machine.close();
  expect(machine.reports).toEqual([]);
});

const job: AppInput = { name: "job", command: ["exit 1"], restart: "never" };
const becomes = (status: AppSummary["status"], app = "job") =>
  eventually(
    () => machine.status(app),
    (now) => now.status === status,
  );
const launches = () => machine.world.launched.length;
/** Longer than a pass takes. */
const meanwhile = () => new Promise((resolve) => setTimeout(resolve, 150));
const retried = { app: "job", change: "retried", revision: 1, differences: ["job.1: failed -> tried again"] };

test("what has failed is tried anew once by each apply, and by nothing else", async () => {
  await machine.up(job);
  await becomes("failed");
  for (const count of [2, 3]) {
    expect(await machine.daemon.platform.apply({ apps: [job], dryRun: true })).toEqual([retried]);
    expect(launches()).toBe(count - 1);
    expect(await machine.up(job)).toEqual([retried]);
    // The old failure is none of the new try's.
    expect((await machine.status("job")).status).not.toBe("failed");
    expect(await machine.shape()).not.toContain("job.1 r1 failed");
    await eventually(launches, (now) => now === count);
    await becomes("failed");
    await meanwhile();
    expect(launches()).toBe(count);
  }
  await machine.stop();
  await machine.start();
  await becomes("failed");
  await meanwhile();
  expect(launches()).toBe(3);
});

test("a start tries anew what has failed of an app that is wanted to run", async () => {
  await machine.up(job);
  await becomes("failed");
  await machine.daemon.platform.startApp("job");
  await eventually(launches, (now) => now === 2);
  await becomes("failed");
  await machine.daemon.platform.startApp("job");
  await eventually(launches, (now) => now === 3);
});

test("another try after too many restarts has all of them again", async () => {
  const restart = { policy: "always", intensity: 1, backoff: { initial: "5ms", jitter: 0 } } as const;
  await machine.up({ ...job, restart });
  await becomes("failed");
  expect(launches()).toBe(2);
  await machine.up({ ...job, restart });
  await eventually(launches, (now) => now === 4);
  await becomes("failed");
});

test("what has done its work is not tried anew", async () => {
  const done = { ...job, command: ["run 5ms"], instances: 2 };
  await machine.up(done);
  await becomes("completed");
  expect(await machine.up(done)).toMatchObject([{ change: "unchanged" }]);
  await machine.daemon.platform.startApp("job");
  await meanwhile();
  expect(launches()).toBe(2);
});

test("more instances of an app come with another try of those that have failed", async () => {
  await machine.up(job);
  await becomes("failed");
  expect(await machine.up({ ...job, instances: 2 })).toMatchObject([
    { change: "scaled", differences: ["instances: 1 -> 2", "job.1: failed -> tried again"] },
  ]);
  await eventually(launches, (now) => now === 3);
});

test("another try waits for what the app depends on", async () => {
  const db = { name: "db", command: ["fail ENOENT"], restart: "never" } satisfies AppInput;
  await machine.up(job);
  await becomes("failed");
  const behind = { ...job, dependsOn: ["db"] };
  await machine.up(behind, db);
  await becomes("failed", "db");
  await eventually(
    () => machine.shape("job"),
    ([line]) => line === "job.1 r2 failed",
  );
  await machine.up(behind, db);
  await eventually(
    () => machine.shape("job"),
    ([line]) => line === "job.1 r2 waiting",
  );
  await meanwhile();
  expect(await machine.shape("job")).toEqual(["job.1 r2 waiting"]);
  await machine.up(behind, { ...db, command: ["run"] });
  await becomes("failed");
});

test("an update that stopped at its first instance goes on with another try of it", async () => {
  await machine.up({ ...job, command: ["run"] });
  await becomes("healthy");
  const next = { ...job, command: ["start 5ms", "exit 1"] };
  const stopped = () =>
    eventually(
      () => machine.shape("job"),
      (shape) => shape.includes("job.2 r2 failed"),
    );
  await machine.up(next);
  await stopped();
  expect(launches()).toBe(2);
  expect(await machine.up(next)).toMatchObject([{ change: "retried", differences: ["job.2: failed -> tried again"] }]);
  await eventually(launches, (now) => now === 3);
  await stopped();
  // What served goes on, and nothing is tried beyond what was asked for.
  await meanwhile();
  expect(launches()).toBe(3);
  expect(await machine.shape("job")).toContain("job.1 r1 running ready");
});

test("another try that a daemon died over is made by the next one", async () => {
  await machine.up(job);
  await becomes("failed");
  await machine.up(job);
  await machine.bury();
  await machine.start();
  await eventually(launches, (now) => now >= 2);
  await becomes("failed");
  await meanwhile();
  expect(launches()).toBe(2);
});
