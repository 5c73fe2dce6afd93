import { expect, it } from "vitest";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/odd-tasks.js", import.meta.url);
const oddModule = new URL("./fixtures/odd-module.js", import.meta.url);
const { open } = watchedPools({ module, workers: 0, spares: 1, placement: "inline" });

it("gives its last answers before it is recycled", async () => {
  const pool = await open({ workers: 1, spares: 0, concurrency: 2, recycle: { tasks: 1 } });
  expect(await Promise.all([pool.run("wait", 5), pool.run("wait", 50)])).toEqual([5, 50]);
});

it("gets messages and bytes in the order in which they were sent", async () => {
  const pool = await open({});
  const lease = await pool.lease<unknown[]>();
  await lease.load(oddModule);
  const told = new Promise((resolve) => lease.onMessage(resolve));
  lease.send("listen");
  lease.send("tell");
  lease.sendBytes(new Uint8Array(3));
  expect(await told).toEqual([]);
});

it("is replaced when a task that was given up never ends", async () => {
  const pool = await open({ workers: 1, spares: 0, abortGraceMs: 10 });
  await expect(pool.run("never", null, { timeoutMs: 10 })).rejects.toMatchObject({ code: "task-timeout" });
  expect(await pool.run("echo", 1)).toBe(1);
});
