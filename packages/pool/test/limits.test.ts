import { getEventListeners } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import { createPool, type Placement } from "@constellation/pool";
import { until } from "./leftovers.ts";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/odd-tasks.js", import.meta.url);
const { open, keep } = watchedPools({ module, workers: 0, spares: 1 });

it("takes up tasks with a key that came before its size was known", async () => {
  const pool = keep(createPool({ module, workers: "auto", total: 1 }));
  expect(await pool.run("echo", 1, { key: "a" })).toBe(1);
});

it("does not count what was aborted before it began as done", async () => {
  const pool = await open({ workers: 1, spares: 0 });
  // Quick by now, so that they are sent ahead of their turn.
  for (let round = 0; round < 30; round += 1) await pool.run("linger", 0);
  const stop = new AbortController();
  const long = pool.run("linger", 100);
  const ahead = Array.from({ length: 5 }, () => pool.run("linger", 0, { signal: stop.signal }));
  stop.abort();
  await Promise.allSettled(ahead);
  await long;
  await pool.run("echo", 1);
  expect(pool.snapshot()[0]).toMatchObject({ counts: { tasksDone: 32, tasksGivenUp: 5 }, run: { count: 32 } });
});

it("refuses waits that no timer can hold", () => {
  expect(() => createPool({ module, abortGraceMs: 2 ** 31 })).toThrow(/abortGraceMs is 2147483648/);
  expect(() => createPool({ module, refill: { delayMs: 2 ** 31 } })).toThrow(/refill.delayMs is 2147483648/);
});

it("does not keep cold starts that nobody waits for any more", async () => {
  const pool = await open({ spares: 0 });
  const stop = new AbortController();
  const leases = Array.from({ length: 4 }, () => pool.lease({ whenGone: "cold", signal: stop.signal }));
  stop.abort();
  await Promise.allSettled(leases);
  await until(() => pool.snapshot()[0]?.spares.opening === 0, "all have come");
  await until(() => pool.snapshot()[0]?.workers.length === 1, "one of four stays");
});

it("does not exceed its total while it begins", async () => {
  const pool = keep(createPool({ module, workers: 1, total: 1 }));
  await expect(pool.lease({ whenGone: "cold" })).rejects.toMatchObject({
    code: "no-spare",
    message: expect.stringMatching(/total \(1\)/) as string,
  });
});

it("has room again when tasks are aborted in its queue", async () => {
  const pool = await open({ workers: 1, spares: 0, queue: { maxTasks: 4 } });
  const stop = new AbortController();
  const running = expect(pool.run("never")).rejects.toBeInstanceOf(Error);
  const queued = Array.from({ length: 4 }, () => pool.run("echo", 1, { signal: stop.signal }));
  const room = pool.whenRoom();
  stop.abort();
  await Promise.allSettled(queued);
  await room;
  await pool.close({ graceMs: 0 });
  await running;
});

it("refuses sizes and waits that are none", async () => {
  for (const spares of ["3", "some", true] as never[]) expect(() => createPool({ module, spares })).toThrow(/spares/);
  const pool = await open({ spares: 1 });
  await pool.ready();
  // Also while a spare waits.
  for (const whenGone of ["nonsense", null] as never[])
    await expect(pool.lease({ whenGone })).rejects.toMatchObject({ code: "options-invalid" });
});

it.each<Placement>(["thread", "process"])(
  "counts a %s that a task ends in order as one that crashed",
  async (placement) => {
    const tasks = new URL("./fixtures/tasks.js", import.meta.url);
    const pool = keep(createPool({ module: tasks, placement, workers: 1, spares: 0 }));
    await expect(pool.run("exit", 0)).rejects.toMatchObject({ code: "worker-crashed" });
    await until(() => pool.snapshot()[0]?.counts.crashes === 1, "it is counted");
  },
);

it.each<Placement>(["thread", "process", "inline"])(
  "leaves a task's own error as it is, whatever its code, in a %s",
  async (placement) => {
    const tasks = new URL("./fixtures/tasks.js", import.meta.url);
    const pool = keep(createPool({ module: tasks, placement, workers: 1, spares: 0 }));
    for (const code of ["not-cloneable", "task-unknown", "placement-refused"])
      await expect(pool.run("ownCode", code)).rejects.toMatchObject({
        name: "RangeError",
        code,
        cause: { message: "deep" },
      });
    await expect(pool.run("nobody")).rejects.toMatchObject({ name: "PoolError", code: "task-unknown" });
  },
);

it.each([null, undefined, "enough"])(
  "takes no task whose signal has aborted already, with %s as its reason",
  async (reason) => {
    const pool = await open({ workers: 1 });
    const signal = AbortSignal.abort(reason);
    const expected = [signal.reason, signal.reason, signal.reason];
    const lease = await pool.lease();
    const calls = [pool.run("echo", 1, { signal }), pool.lease({ signal }), lease.call("echo", 1, { signal })];
    const settled = await Promise.allSettled<unknown>(calls);
    expect(settled.map((one) => one.status === "rejected" && one.reason)).toEqual(expected);
  },
);

it("hears a signal of many tasks and leases with one listener", async () => {
  const warnings: string[] = [];
  const note = ({ name }: Error): void => void warnings.push(name);
  process.on("warning", note);
  onTestFinished(() => void process.off("warning", note));
  const pool = await open({ workers: 1, spares: 0, queue: { maxTasks: 40 }, total: 1 });
  const stop = new AbortController();
  const { signal } = stop;
  const running = pool.run("never");
  const calls = [
    ...Array.from({ length: 40 }, () => pool.run("echo", 1, { signal })),
    ...Array.from({ length: 20 }, () => pool.lease({ signal })),
  ];
  const room = Promise.allSettled(Array.from({ length: 20 }, () => pool.whenRoom({ signal })));
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  stop.abort(new Error("enough"));
  for (const call of await Promise.allSettled(calls)) expect(call).toMatchObject({ reason: { message: "enough" } });
  await room;
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
  // Warnings are told in a later turn.
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(warnings).toEqual([]);
  await pool.close({ graceMs: 0 });
  await expect(running).rejects.toMatchObject({ code: "worker-crashed" });
});
