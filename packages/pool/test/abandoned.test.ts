import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Placement } from "@constellation/pool";
import { PoolWorker } from "../src/worker/pool-worker.ts";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/odd-tasks.js", import.meta.url);
const oddModule = new URL("./fixtures/odd-module.js", import.meta.url);
const { open } = watchedPools({ module, workers: 1, abortGraceMs: 20 });

it.each<Placement>(["thread", "process"])(
  "a task that begins in its %s when it was given up already does not keep it for ever",
  async (placement) => {
    const pool = await open({ placement });
    // Quick by now, so that both are sent in one message.
    for (let round = 0; round < 100; round += 1) await pool.run("fickle", 0);
    const long = pool.run("fickle", 400);
    const behind = pool.run("fickle", 60_000, { timeoutMs: 50 });
    await expect(behind).rejects.toMatchObject({ code: "task-timeout" });
    expect(await long).toBe(400);
    expect(await pool.run("echo", "next")).toBe("next");
  },
);

it.each<Placement>(["thread", "process"])("a %s that is stuck in what is no task is replaced", async (placement) => {
  const pool = await open({ placement });
  await pool.run("haunt");
  await new Promise((resolve) => setTimeout(resolve, 50));
  await expect(pool.run("echo", 1, { timeoutMs: 50 })).rejects.toMatchObject({ code: "task-timeout" });
  expect(await pool.run("echo", 2)).toBe(2);
  expect(pool.snapshot()[0]?.counts.tasksLost).toBe(0);
});

it.each<Placement>(["thread", "process"])("a leased %s may be in a loop of its holder's", async (placement) => {
  const pool = await open({ placement, workers: 0, spares: 1 });
  const lease = await pool.lease();
  await lease.load(oddModule);
  lease.send(1000);
  await expect(lease.call("echo", 1, { timeoutMs: 50 })).rejects.toMatchObject({ code: "task-timeout" });
  expect(await lease.call("echo", 2)).toBe(2);
});

it("a worker that is being ended is sent nothing any more", async () => {
  const pool = await open({ placement: "process", concurrency: 2 });
  const late: Promise<unknown>[] = [];
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its own `this`
  const { end } = PoolWorker.prototype;
  const spy = vi.spyOn(PoolWorker.prototype, "end").mockImplementation(function (this: PoolWorker, why) {
    const ended = end.call(this, why);
    const buffer = new ArrayBuffer(8);
    // Cannot be sent to another one when this one has it.
    if (late.length === 0) late.push(pool.run("length", buffer, { transfer: [buffer] }));
    return ended;
  });
  onTestFinished(() => spy.mockRestore());
  await expect(pool.run("spin", 60_000, { timeoutMs: 50 })).rejects.toMatchObject({ code: "task-timeout" });
  await vi.waitUntil(() => late.length > 0);
  expect(await late[0]).toBe(8);
});

describe.each<Placement>(["thread", "process"])("a pool of one %s whose own thread is busy", (placement) => {
  it("takes nothing for too late that was answered in time", async () => {
    const pool = await open({ placement });
    await pool.run("echo", 0);
    const answer = pool.run("echo", 1, { timeoutMs: 50 });
    await new Promise((resolve) => setImmediate(resolve));
    block(600);
    expect(await answer).toBe(1);
  });

  it("ends no worker that has stopped in time", async () => {
    const pool = await open({ placement, abortGraceMs: 100, module: new URL("./fixtures/tasks.js", import.meta.url) });
    const [before] = pool.snapshot()[0]?.workers ?? [];
    const stop = new AbortController();
    const waiting = pool.run("wait", 60_000, { signal: stop.signal });
    await new Promise((resolve) => setTimeout(resolve, 50));
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    block(800);
    expect(await pool.run("echo", 1)).toBe(1);
    expect(pool.snapshot()[0]?.workers.map(({ worker }) => worker)).toEqual([before?.worker]);
  });
});

function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}
