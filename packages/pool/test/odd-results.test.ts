import { afterEach, beforeEach, expect, it } from "vitest";
import { createPool, type Placement, type Pool, type PoolEvent, type PoolOptions } from "@constellation/pool";
import { owned, until } from "./leftovers.ts";

const module = new URL("./fixtures/odd-tasks.js", import.meta.url);
const pools: Pool[] = [];
let before: ReturnType<typeof owned>;

async function open(options: Partial<PoolOptions>): Promise<Pool> {
  const pool = createPool({ module, workers: 0, spares: 1, ...options });
  pools.push(pool);
  await pool.ready();
  return pool;
}

beforeEach(() => {
  before = owned();
});

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close({ graceMs: 0 })));
  await until(() => JSON.stringify(owned()) === JSON.stringify(before), "nothing left of the pool");
});

it.each<Placement>(["thread", "process", "inline"])(
  "a thenable that throws fails its task in a %s",
  async (placement) => {
    const events: PoolEvent[] = [];
    const pool = await open({ placement, workers: 1, spares: 0, onEvent: (event) => events.push(event) });
    for (const how of ["getter", "call"])
      await expect(pool.run("thenable", how)).rejects.toMatchObject({ message: "no then for you" });
    expect(events.filter(({ kind }) => kind === "worker-ended")).toEqual([]);
  },
);

it("a process that only speaks of failed allocations has not run out of memory", async () => {
  const pool = await open({ placement: "process", workers: 1, spares: 0 });
  await expect(pool.run("complain", 3)).rejects.toMatchObject({ code: "worker-crashed", message: /exit code 3/ });
  expect(pool.snapshot()[0]?.counts).toMatchObject({ crashes: 1, outOfMemory: 0 });
});
