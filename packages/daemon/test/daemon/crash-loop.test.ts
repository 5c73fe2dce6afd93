import type { InstanceState } from "@constellation/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually, Machine } from "./harness.ts";

let machine: Machine;
beforeEach(async () => {
  machine = new Machine();
  await machine.start();
});
afterEach(() => machine.close());

const state = async (): Promise<InstanceState & { restarts: number }> => {
  const [found] = await machine.daemon.platform.instances("web");
  if (found === undefined) throw new Error("web has no instance");
  return { ...found.state, restarts: found.restarts };
};
const backsOff = (restarts: number) => (now: InstanceState & { restarts: number }) =>
  now.status === "backoff" && now.restarts === restarts;
const delayOf = (now: InstanceState): number => (now.status === "backoff" ? now.until - now.since : -1);

test("a crash loop keeps its delay, its number and its place over the daemon's end", async () => {
  const backoff = { initial: "100ms", factor: 2, jitter: 0, max: "1h" };
  await machine.up({ name: "web", command: ["exit 1"], restart: { policy: "always", backoff } });
  const before = await eventually(state, backsOff(4));
  expect(delayOf(before)).toBe(400);
  await machine.bury();
  await machine.start();
  // Where the old one left it: waiting for the same moment, or past it.
  const after = await eventually(state, backsOff(5));
  expect(delayOf(after)).toBe(800);
});

test("the intensity counts over the daemon's end, and what was given up stays so", async () => {
  const restart = { policy: "always", intensity: 4, period: "1h", backoff: { initial: "50ms", jitter: 0 } } as const;
  await machine.up({ name: "web", command: ["exit 1"], restart });
  await eventually(state, backsOff(3));
  await machine.bury();
  await machine.start();
  const given = await eventually(state, ({ status }) => status === "failed");
  expect(given).toMatchObject({ status: "failed", reason: expect.stringContaining("restarted 4 times") as string });
  expect(machine.world.launched).toHaveLength(5);
  await machine.stop();
  await machine.start();
  expect(await eventually(state, ({ status }) => status === "failed")).toMatchObject({ restarts: 4 });
  expect(machine.world.launched).toHaveLength(5);
});
