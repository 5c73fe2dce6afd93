import { readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { expect, it } from "vitest";
import type { Placement, Pool } from "@constellation/pool";
import { canTakeNicenessBack } from "../src/privilege.ts";
import { until } from "./leftovers.ts";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/slow-module.js", import.meta.url);
const { open } = watchedPools({ module, placement: "process", workers: 0, spares: 1 });

/** Niceness of the process that warms up, and of its session where the kernel has such a thing. */
function niceness(pool: Pool): number[] {
  const pid = pool.snapshot()[0]?.workers.find(({ state }) => state === "starting")?.id;
  if (pid === undefined) return [];
  try {
    const session = /nice (-?\d+)/.exec(readFileSync(`/proc/${pid}/autogroup`, "utf8"))?.[1];
    return [getPriority(pid), ...(session === undefined ? [] : [Number(session)])];
  } catch {
    return [getPriority(pid)];
  }
}

const isAt = (pool: Pool, wanted: number): boolean => {
  const found = niceness(pool);
  return found.length > 0 && found.every((each) => each === wanted);
};

it.runIf(canTakeNicenessBack())("a refill comes behind all others, until somebody waits for it", async () => {
  const pool = await open({});
  await pool.lease();
  await until(() => isAt(pool, 19), "the next one, niced with its session");
  const waiting = pool.lease({ whenGone: { queueMs: 20_000 } });
  expect(isAt(pool, 0)).toBe(true);
  await waiting;
});

it.runIf(canTakeNicenessBack())("a refill that takes long is niced for half of its time only", async () => {
  const pool = await open({ warmUpTimeoutMs: 3000 });
  await pool.lease();
  await until(() => isAt(pool, 19), "the next one, niced with its session");
  await until(() => isAt(pool, 0), "not niced any more, before it is warm");
  await until(() => pool.snapshot()[0]?.spares.idle === 1, "a spare");
});

it.runIf(canTakeNicenessBack()).each<Placement>(["thread", "process"])(
  "a %s that has become warm is niced no longer",
  async (placement) => {
    const pool = await open({ placement, module: new URL("./fixtures/tasks.js", import.meta.url) });
    const first = await pool.lease();
    await until(() => pool.snapshot()[0]?.spares.idle === 1, "a spare");
    const refilled = await pool.lease();
    expect(refilled.worker).not.toBe(first.worker);
    const ownPriority = "data:text/javascript,import os from 'node:os'; export default () => os.getPriority()";
    expect(await refilled.load(ownPriority)).toBe(0);
  },
);
