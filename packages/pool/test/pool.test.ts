import { describe, expect, it } from "vitest";
import { createPool, createRing, type Placement, type PoolEvent, type PoolOptions } from "@constellation/pool";
import { isRunning, until } from "./leftovers.ts";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/tasks.js", import.meta.url);
const { make: open, keep } = watchedPools({ module, workers: 2 });

describe.each<Placement>(["thread", "process", "inline"])("tasks in a %s", (placement) => {
  it("come back with their value", async () => {
    const pool = open({ placement });
    expect(await pool.run("add", { left: 20, right: 22 })).toBe(42);
    expect(await pool.run("echo", { bytes: new Float64Array([1.5, 2.5]), map: new Map([["a", 1n]]) })).toEqual({
      bytes: new Float64Array([1.5, 2.5]),
      map: new Map([["a", 1n]]),
    });
  });

  it("fail with the error they threw: name, message, code, cause and stack", async () => {
    const failure: unknown = await open({ placement })
      .run("boom")
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "RangeError", message: "boom", code: "E_BOOM", cause: { message: "deep" } });
    expect((failure as Error).stack).toContain("tasks.js");
  });

  it("run as many at a time as their worker may", async () => {
    const pool = open({ placement, workers: 1, concurrency: 3 });
    expect(await Promise.all([3, 3, 3].map((count) => pool.run("meet", count)))).toEqual([3, 3, 3]);
    const meeting = [2, 2].map((count) => pool.run("meet", count));
    expect(await Promise.all([...meeting, pool.run("echo", "besides")])).toEqual([2, 2, "besides"]);
  });

  it("are refused by name when the module has none such", async () => {
    await expect(open({ placement }).run("nope")).rejects.toMatchObject({ code: "task-unknown" });
  });

  it("end cooperatively when aborted, and their worker goes on", async () => {
    const pool = open({ placement, workers: 1 });
    const [pid] = [await pool.run("pid")];
    const stop = new AbortController();
    const waiting = pool.run("wait", 60_000, { signal: stop.signal });
    await new Promise((resolve) => setTimeout(resolve, 50));
    stop.abort(new Error("not any more"));
    await expect(waiting).rejects.toThrow("not any more");
    expect(await pool.run("pid")).toBe(pid);
  });

  it("wait in the queue at most as many as it holds, and say so", async () => {
    const pool = open({ placement, workers: 1, queue: { maxTasks: 2 } });
    await pool.ready();
    const running = pool.run("wait", 100);
    const queued = [pool.run("echo", 1), pool.run("echo", 2)];
    await expect(pool.run("echo", 3)).rejects.toMatchObject({ code: "queue-full", retryable: true });
    await expect(pool.whenRoom({ signal: AbortSignal.timeout(1) })).rejects.toMatchObject({ name: "TimeoutError" });
    await pool.whenRoom();
    expect(await Promise.all([running, ...queued])).toEqual([100, 1, 2]);
    expect(pool.snapshot()[0]?.counts.queueFull).toBe(1);
  });

  it("are forgotten when aborted before they begin", async () => {
    const pool = open({ placement, workers: 1 });
    const running = pool.run("wait", 50);
    const stop = new AbortController();
    const queued = pool.run("count", undefined, { signal: stop.signal });
    stop.abort();
    await expect(queued).rejects.toMatchObject({ name: "AbortError" });
    await running;
    expect(await pool.run("count")).toBe(1);
  });
});

describe.each<Placement>(["thread", "process"])("a worker %s", (placement) => {
  it("that exits fails its task with the reason, and is replaced", async () => {
    const events: PoolEvent[] = [];
    const pool = open({ placement, workers: 1, onEvent: (event) => events.push(event) });
    await expect(pool.run("exit", 7)).rejects.toMatchObject({
      code: "worker-crashed",
      message: expect.stringMatching(/exit code 7/) as string,
    });
    expect(await pool.run("echo", "again")).toBe("again");
    expect(events.filter((event) => event.kind === "worker-ended")).toHaveLength(1);
  });

  it("that dies does not take along what it had not begun", async () => {
    const pool = open({ placement, workers: 1 });
    // Quick by now, so that they are sent ahead of their turn.
    for (let round = 0; round < 30; round += 1) await pool.run("fickle");
    const mixed = await Promise.allSettled(
      [undefined, 3, undefined, undefined].map((code) => pool.run("fickle", code)),
    );
    expect(mixed.map((one) => one.status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect(pool.snapshot()[0]?.counts.tasksRequeued).toBe(2);
  });

  it("that computes past a timeout is ended and replaced", async () => {
    const pool = open({ placement, workers: 1, abortGraceMs: 20 });
    await expect(pool.run("spin", 60_000, { timeoutMs: 50 })).rejects.toMatchObject({ code: "task-timeout" });
    expect(await pool.run("echo", 1)).toBe(1);
  });

  it("that runs out of memory says so", async () => {
    const pool = open({
      placement,
      workers: 1,
      thread: { resourceLimits: { maxOldGenerationSizeMb: 24 } },
      process: { heapLimitBytes: 24 * 1024 * 1024 },
    });
    await expect(pool.run("hog")).rejects.toMatchObject({ code: "worker-out-of-memory" });
    expect(await pool.run("echo", 1)).toBe(1);
  });

  it("cannot send what cannot be copied, and says so for that task alone", async () => {
    const pool = open({ placement, workers: 1 });
    const good = pool.run("echo", 1);
    await expect(pool.run("echo", () => 1)).rejects.toMatchObject({ code: "not-cloneable" });
    await expect(pool.run("unclonable")).rejects.toMatchObject({ code: "not-cloneable" });
    expect(await good).toBe(1);
  });

  it("is replaced after as many tasks as it may do, and none is lost", async () => {
    const pool = open({ placement, workers: 1, recycle: { tasks: 5 } });
    const results = await Promise.all(Array.from({ length: 23 }, (_, index) => pool.run("echo", index)));
    expect(results).toEqual(Array.from({ length: 23 }, (_, index) => index));
    expect(pool.snapshot()[0]?.counts.recycles).toBeGreaterThanOrEqual(2);
  });

  it("that grows is replaced while it is idle, and so is an old one", async () => {
    const pool = open({ placement, workers: 1, recycle: { memoryGrowthBytes: 20e6 } });
    await pool.run("keep", 60e6);
    await until(() => pool.snapshot()[0]?.counts.recycles === 1, "a replacement for the one that grew");
    const aged = open({ placement, workers: 1, recycle: { ageMs: 1 } });
    await aged.ready();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await aged.run("noop");
    expect(aged.snapshot()[0]?.counts.recycles).toBe(1);
  });

  it("gets all tasks of its key", async () => {
    const pool = open({ placement, workers: 3 });
    await pool.ready();
    const runs = await Promise.all(
      Array.from({ length: 30 }, (_, index) => pool.run("count", undefined, { key: `key-${index % 2}` })),
    );
    // Counters live in workers: with two keys there are at most two counters, and together they saw all calls.
    const ones = runs.filter((value) => value === 1).length;
    expect(ones).toBeLessThanOrEqual(2);
    expect(Math.max(...runs.map(Number))).toBeGreaterThanOrEqual(15);
  });

  it("is warmed by its function, and a failing one is named, backed off and reported", async () => {
    const good = open({ placement, warmUp: "warmUp", preload: ["node:zlib"] });
    expect(await good.run("isWarm")).toBe(true);
    const events: PoolEvent[] = [];
    const broken = open({
      placement,
      module: new URL("./fixtures/broken.js", import.meta.url),
      onEvent: (event) => events.push(event),
    });
    await expect(broken.ready()).rejects.toMatchObject({
      code: "warmup-failed",
      message: expect.stringMatching(/broken\.js.*cannot be loaded/) as string,
    });
    await expect(broken.run("x")).rejects.toMatchObject({ code: "warmup-failed" });
    await new Promise((resolve) => setTimeout(resolve, 400));
    const starts = events.filter((event) => event.kind === "worker-started").length;
    expect(starts).toBeLessThanOrEqual(6);
  });
});

it.each<Placement>(["thread", "process"])("a %s counts what became of its tasks", async (placement) => {
  const pool = open({ placement, workers: 1, abortGraceMs: 20 });
  const calls = await Promise.allSettled([
    pool.run("echo", 1),
    pool.run("boom"),
    pool.run("nope"),
    pool.run("unclonable"),
    pool.run("exit", 3),
    pool.run("spin", 60_000, { timeoutMs: 50 }),
  ]);
  expect(calls.map(({ status }) => status === "rejected")).toEqual([false, true, true, true, true, true]);
  // Who was given up is not lost, too, when the worker is ended for it.
  expect(await pool.run("echo", 2)).toBe(2);
  expect(pool.snapshot()[0]?.counts).toMatchObject({
    tasksDone: 5,
    tasksFailed: 3,
    tasksLost: 1,
    tasksGivenUp: 1,
    crashes: 1,
  });
});

it("a process says that memory cannot be shared with it", async () => {
  const sent = open({ placement: "process", workers: 1 }).run("echo", createRing({ frames: 2, frameBytes: 8 }));
  await expect(sent).rejects.toThrow(/shared memory and ports reach threads only/);
});

it("a process whose folder is not there says which", async () => {
  const pool = open({ placement: "process", process: { cwd: "/nowhere/at/all" } });
  await expect(pool.ready()).rejects.toThrow(/there is no folder \/nowhere\/at\/all \(process\.cwd\); make it/);
});

describe("a thread", () => {
  it("hands buffers over instead of copying them", async () => {
    const pool = open({ placement: "thread" });
    const buffer = new ArrayBuffer(1024);
    expect(await pool.run("length", buffer, { transfer: [buffer] })).toBe(1024);
    expect(buffer.byteLength).toBe(0);
    expect(await pool.run("fill", 16)).toEqual(new Uint8Array(16).fill(7).buffer);
    // Taken out of the context, as its other parts are.
    expect(await pool.run("fillTaken", 16)).toBe(16);
  });

  it("does not get again what was transferred to one that died", async () => {
    const pool = open({ placement: "thread", workers: 1, concurrency: 2 });
    await pool.ready();
    const buffer = new ArrayBuffer(8);
    const calls = await Promise.allSettled([
      pool.run("spinAndExit", 100),
      pool.run("length", buffer, { transfer: [buffer] }),
    ]);
    expect(calls).toMatchObject([{ reason: { code: "worker-crashed" } }, { reason: { code: "worker-crashed" } }]);
    expect(await pool.run("echo", 1)).toBe(1);
  });

  it("may not start children", async () => {
    await expect(open({ placement: "thread" }).run("fork")).rejects.toMatchObject({ code: "placement-refused" });
    expect(() => createPool({ module, traits: { mayFork: true }, placement: "thread" })).toThrow(/only a process/);
  });

  it.each([1, 2])("may not have threads start them for it, %i below", async (depth) => {
    expect(await open({ placement: "thread" }).run("forkBelow", depth)).toBe("placement-refused");
  });
});

it("a higher priority goes first, as far as waiting does not weigh more", async () => {
  const pool = open({ workers: 1, queue: { ageingMs: 60_000 } });
  await pool.ready();
  const done: string[] = [];
  const note = (name: string, priority: number): Promise<unknown> =>
    pool.run("echo", name, { priority }).then(() => done.push(name));
  const first = pool.run("wait", 30);
  await Promise.all([first, note("low", -1), note("plain", 0), note("high", 2)]);
  expect(done).toEqual(["high", "plain", "low"]);
});

it("a process that writes nonsense into its channel is ended and replaced, and the pool goes on", async () => {
  const pool = open({ workers: 1, placement: "process" });
  await expect(pool.run("babble")).rejects.toMatchObject({
    code: "worker-crashed",
    message: expect.stringMatching(/its channel broke/) as string,
  });
  expect(await pool.run("echo", "again")).toBe("again");
});

describe("a process that may fork", () => {
  it("takes all it has started along, also what left its group", async () => {
    const pool = open({ workers: 1, traits: { mayFork: true } });
    const children = [await pool.run("fork", false), await pool.run("fork", true)].map(Number);
    await pool.close();
    await until(() => !children.some(isRunning), "the children gone");
  });
});

describe("a pool of several modules", () => {
  it("places each by its traits", async () => {
    const pool = keep(
      createPool({
        modules: {
          core: { url: module, traits: { native: true } },
          effects: { url: module },
          control: { url: module, traits: { light: true } },
        },
        workers: 1,
      }),
    );
    const pids = await Promise.all([pool.run("core/pid"), pool.run("effects/pid"), pool.run("control/pid")]);
    expect(pids[0]).not.toBe(process.pid);
    expect(pids.slice(1)).toEqual([process.pid, process.pid]);
    expect(pool.snapshot().map((fleet) => fleet.placement)).toEqual(["process", "thread", "inline"]);
    await expect(pool.run("other/pid")).rejects.toMatchObject({ code: "task-unknown" });
  });
});

it("says which setting cannot be", () => {
  expect(() => createPool({ module: "./relative.js" })).toThrow(/absolute path or URL/);
  expect(() => createPool({ module, workers: -1 })).toThrow(/workers is -1/);
  expect(() => createPool({ module, spares: { min: 3, target: 1 } })).toThrow(/at most spares.target/);
  expect(() => createPool({})).toThrow(/either `module` or `modules`/);
  const broken: [Partial<PoolOptions>, RegExp][] = [
    [{ whenGone: { queueMs: 2 ** 31 } }, /whenGone is .*2147483648/],
    [{ recycle: { tasks: 0 } }, /recycle.tasks is 0/],
    [{ recycle: { ageMs: -1 } }, /recycle.ageMs is -1/],
    [{ latency: { tickMs: 0 } }, /latency.tickMs is 0/],
    [{ latency: { fill: 2 } }, /latency.fill is 2/],
    [{ preload: "typescript" as never }, /preload is "typescript", wanted a list/],
    [{ resolveFrom: "./main.js" }, /resolveFrom is ".\/main.js", wanted an absolute path or URL/],
    [{ warmUp: (() => 1) as never }, /warmUp is .*wanted the name of a function/],
    [{ process: { heapLimitBytes: 24 } }, /heapLimitBytes is 24, wanted a whole number of at least 1048576/],
  ];
  for (const [options, text] of broken) expect(() => createPool({ module, ...options })).toThrow(text);
});

it("refuses settings of a task that no clock and no queue can take", async () => {
  const pool = open({ workers: 1, spares: 1 });
  for (const timeoutMs of [0, -1, Number.NaN, 2 ** 31])
    await expect(pool.run("echo", 1, { timeoutMs })).rejects.toMatchObject({ code: "options-invalid" });
  await expect(pool.run("echo", 1, { priority: Number.NaN })).rejects.toMatchObject({ code: "options-invalid" });
  expect(await pool.run("echo", 1, { timeoutMs: Infinity })).toBe(1);
  await pool.lease();
  await expect(pool.lease({ whenGone: { queueMs: Number.NaN } })).rejects.toMatchObject({ code: "options-invalid" });
});

it("decides its size by memory, and says why", async () => {
  const pool = open({ workers: "auto", spares: "auto", placement: "thread" });
  await pool.ready();
  const [fleet] = pool.snapshot();
  expect(fleet?.sizeReason).toMatch(/workers: .* cores.*spares: .* twice .* cores.*one holds [\d.]+ MB/);
});

it("refuses everything once it is closed", async () => {
  const pool = open();
  await pool.close();
  await expect(pool.run("noop")).rejects.toMatchObject({ code: "pool-closed" });
  await expect(pool.lease()).rejects.toMatchObject({ code: "pool-closed" });
});
