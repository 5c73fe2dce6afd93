import { expect, it, onTestFinished } from "vitest";
import { type Placement } from "@constellation/pool";
import { until } from "./leftovers.ts";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/odd-tasks.js", import.meta.url);
const { open } = watchedPools({ module, workers: 1 });

it("an uncaught error of a thread is the cause of what its task fails with", async () => {
  const failure = await (await open({})).run("stray", true).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "worker-crashed", cause: { name: "RangeError" } });
  expect((failure as { cause: Error }).cause.stack).toContain("odd-tasks.js");
});

it("an uncaught error of a thread that runs nothing is a warning", async () => {
  const warnings: string[] = [];
  const note = (warning: Error & { detail?: string }): void =>
    void warnings.push(`${warning.message} ${warning.detail}`);
  process.on("warning", note);
  onTestFinished(() => void process.off("warning", note));
  const pool = await open({});
  await pool.run("stray", false);
  await until(() => warnings.some((text) => /RangeError: nobody catches me.*odd-tasks\.js/s.test(text)), "a warning");
  expect(await pool.run("echo", 1)).toBe(1);
});

it.each<Placement>(["thread", "process"])("who is lost with a %s that did not crash is told why", async (placement) => {
  const pool = await open({ placement, concurrency: 2, abortGraceMs: 20 });
  const besides = pool.run("never");
  await expect(pool.run("never", undefined, { timeoutMs: 20 })).rejects.toMatchObject({ code: "task-timeout" });
  await expect(besides).rejects.toThrow(/task "never" went on 20 ms after it was given up/);
  await expect(pool.run("exit", 0)).rejects.toThrow(/exited by itself, with code 0/);
});
