import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Placement, type PoolEvent, type WorkerSnapshot } from "@constellation/pool";
import { until } from "./leftovers.ts";
import { watchedPools } from "./watched-pools.ts";

const { make: open } = watchedPools({ module: new URL("./fixtures/tasks.js", import.meta.url), workers: 2 });

describe.each<Placement>(["thread", "process"])("a %s that ends before it is warm", (placement) => {
  it("is a failed warm-up that names its module, backs off and keeps nobody waiting", async () => {
    const events: PoolEvent[] = [];
    const module = new URL("./fixtures/exits-at-import.js", import.meta.url);
    const pool = open({ placement, module, spares: 1, onEvent: (event) => events.push(event) });
    const calls = await Promise.allSettled([
      pool.run("x"),
      pool.lease({ whenGone: { queueMs: 60_000 } }),
      pool.ready(),
    ]);
    for (const call of calls)
      expect(call).toMatchObject({
        reason: {
          code: "warmup-failed",
          message: expect.stringMatching(/exits-at-import\.js.*ended before it was warm: exit code 3/) as string,
        },
      });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(events.filter((event) => event.kind === "worker-started").length).toBeLessThanOrEqual(9);
  });

  it("or that does nothing any more once it has told that it is, is one too", async () => {
    const odd = new URL("./fixtures/odd-tasks.js", import.meta.url);
    const pool = open({ placement, module: odd, warmUp: "haunt", warmUpTimeoutMs: 1000 });
    await expect(pool.ready()).rejects.toMatchObject({
      code: "warmup-failed",
      message: expect.stringMatching(/its rehearsal failed.*not warm after 1000 ms/) as string,
    });
  });

  it("is one that cannot be started at all, too", async () => {
    const pool = open({ placement, [placement]: { execArgv: ["--no-such-flag"] } });
    await expect(pool.run("x")).rejects.toMatchObject({ code: "warmup-failed" });
    expect(pool.snapshot()[0]?.counts.warmupFailures).toBeGreaterThanOrEqual(1);
  });

  it("is waited for, also when another one is made twice meanwhile", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pool-test-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const module = join(folder, "tasks.mjs");
    // The second one takes its time.
    writeFileSync(
      module,
      `import { mkdirSync } from "node:fs";
      for (let number = 1; ; number += 1)
        try {
          mkdirSync(${JSON.stringify(folder)} + "/" + number);
          if (number === 2) await new Promise((resolve) => setTimeout(resolve, 2000));
          break;
        } catch {}
      export const exit = () => process.exit(3);`,
    );
    const pool = open({ placement, module });
    await expect(pool.run("exit")).rejects.toMatchObject({ code: "worker-crashed" });
    const workers = (): readonly WorkerSnapshot[] => pool.snapshot()[0]?.workers ?? [];
    const [slow] = workers().filter(({ state }) => state === "starting");
    await pool.ready();
    expect(workers().find(({ worker }) => worker === slow?.worker)).toMatchObject({ state: "warm" });
  });

  it("does not keep its pool from being ready later", async () => {
    const module = join(mkdtempSync(join(tmpdir(), "pool-test-")), "tasks.mjs");
    onTestFinished(() => rmSync(dirname(module), { recursive: true }));
    const pool = open({ placement, module });
    await expect(pool.ready()).rejects.toMatchObject({ code: "warmup-failed", retryable: true });
    // And whoever asks meanwhile need not wait to learn of it.
    await expect(pool.ready()).rejects.toMatchObject({ code: "warmup-failed" });
    writeFileSync(module, "export const echo = (value) => value");
    await until(() => pool.snapshot()[0]?.workers.some(({ state }) => state === "warm") ?? false, "a warm worker");
    await pool.ready();
    expect(pool.snapshot()[0]?.workers.map(({ state }) => state)).toEqual(["warm", "warm"]);
  });

  it("does not keep the tasks waiting that have its key", async () => {
    const module = join(mkdtempSync(join(tmpdir(), "pool-test-")), "tasks.mjs");
    onTestFinished(() => rmSync(dirname(module), { recursive: true }));
    writeFileSync(module, "export const echo = (value) => value; export const exit = () => process.exit(3)");
    const pool = open({ placement, module, workers: 2 });
    await pool.ready();
    // The other one stays well, and none can be started any more.
    writeFileSync(module, "throw new Error('gone bad')");
    await expect(pool.run("exit", 0, { key: "a" })).rejects.toMatchObject({ code: "worker-crashed" });
    await expect(pool.run("echo", 1, { key: "a" })).rejects.toMatchObject({ code: "warmup-failed" });
    expect(await pool.run("echo", 2)).toBe(2);
  });

  it("is told what to do when Node cannot load what it was given", async () => {
    const odd = join(mkdtempSync(join(tmpdir(), "pool-test-")), "tasks.odd");
    onTestFinished(() => rmSync(dirname(odd), { recursive: true }));
    writeFileSync(odd, "");
    const pool = open({ placement, module: odd });
    await expect(pool.ready()).rejects.toThrow(new RegExp(`build it, or .* ${placement}: { execArgv: \\["--import"`));
  });
});
