import { expect, it } from "vitest";
import { type Placement, type PoolEvent } from "@constellation/pool";
import { until } from "./leftovers.ts";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/odd-tasks.js", import.meta.url);
const { open } = watchedPools({ module, workers: 0, spares: 1 });

it.each<Placement>(["thread", "process"])("ends a %s that does not come to its end", async (placement) => {
  const pool = await open({ placement, workers: 1, spares: 0, recycle: { tasks: 1 }, abortGraceMs: 50 });
  await pool.run("haunt");
  await until(
    () => pool.snapshot().every(({ workers }) => workers.every(({ state }) => state === "warm")),
    "the one that spins is gone",
  );
});

it("holds tasks of a key back for every worker that leaves their seat", async () => {
  const pool = await open({ workers: 1, spares: 0, concurrency: 2, recycle: { tasks: 1 } });
  let isOver = false;
  const long = pool.run("wait", 1500, { key: "a" }).then(() => (isOver = true));
  await pool.run("echo", "the first one leaves");
  await pool.run("echo", "and the second");
  await pool.run("echo", 3, { key: "a" });
  expect(isOver).toBe(true);
  await long;
});

it("renews workers of one age one after the other", async () => {
  const events: PoolEvent[] = [];
  const pool = await open({ workers: 3, spares: 0, recycle: { ageMs: 300 }, onEvent: (event) => events.push(event) });
  const old = pool.snapshot()[0]?.workers.map(({ worker }) => worker) ?? [];
  await until(() => (pool.snapshot()[0]?.workers ?? []).every(({ worker }) => !old.includes(worker)), "new workers");
  let warm = 0;
  let fewest = 3;
  for (const event of events) {
    if (event.kind === "worker-warm") warm += 1;
    else if (event.kind === "worker-ended") warm -= 1;
    if (event.kind === "worker-ended") fewest = Math.min(fewest, warm);
  }
  expect(fewest).toBeGreaterThan(0);
});

it.each<Placement>(["thread", "process"])("a %s does not do more tasks than it may", async (placement) => {
  const tasks = new URL("./fixtures/tasks.js", import.meta.url);
  const pool = await open({ module: tasks, placement, workers: 1, spares: 0, recycle: { tasks: 2 } });
  // Quick by now, so that they would be sent ahead of their turn.
  for (let round = 0; round < 4; round += 1) await pool.run("count");
  const counts = await Promise.all(Array.from({ length: 6 }, () => pool.run("count")));
  expect(counts).toEqual([1, 2, 1, 2, 1, 2]);
});

it("who waits for the place of a worker gets one as soon as that is gone", async () => {
  const pool = await open({ spares: 1, total: 2, refill: { delayMs: 60_000 } });
  const lease = await pool.lease();
  const waiting = pool.lease({ whenGone: { queueMs: 20_000 } });
  const other = await waiting;
  const last = pool.lease({ whenGone: { queueMs: 20_000 } });
  await lease.recycle();
  await (await last).release();
  await other.release();
});
