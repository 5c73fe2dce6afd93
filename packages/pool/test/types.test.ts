import { expect, it } from "vitest";
import { createPool, type TaskContext, type TaskData, type Pool } from "@constellation/pool";

/** What is checked here is checked by the compiler. */
interface Jobs extends Readonly<Record<string, unknown>> {
  readonly add: (data: { left: number; right: number }, context: TaskContext) => number;
  readonly echo: (data?: string) => string;
  readonly count: () => Promise<number>;
}

it("checks names, data and results of tasks", async () => {
  const module = new URL("./fixtures/tasks.js", import.meta.url);
  const pool = createPool<Pick<Jobs, "add" | "echo" | "count">>({ module, workers: 1 });
  const sum: number = await pool.run("add", { left: 1, right: 2 });
  const count: number = await pool.run("count");
  const text: string = await pool.run("echo", "text", { timeoutMs: 1000 });
  await pool.run("echo");
  await pool.run("count", undefined, { priority: 1 });
  expect([sum, count, text]).toEqual([3, 1, "text"]);
  // @ts-expect-error -- it cannot do without data
  await expect(pool.run("add")).rejects.toThrow(TypeError);
  // @ts-expect-error -- other data
  await pool.run("add", { left: "1" });
  // @ts-expect-error -- no such task
  await expect(pool.run("subtract", 1)).rejects.toMatchObject({ code: "task-unknown" });
  expect(await through(pool, "add", { left: 3, right: 4 })).toBe(7);
  await pool.close();
});

/** Whoever wraps a pool can pass names and data on. */
function through<T extends Readonly<Record<string, unknown>>, Name extends keyof T & string>(
  pool: Pool<T>,
  name: Name,
  data: TaskData<T[Name]>,
): Promise<unknown> {
  return pool.run(name, data);
}
