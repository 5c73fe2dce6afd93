import fc from "fast-check";
import { expect, it } from "vitest";
import { createPool, type Placement, type Pool, type PoolEvent } from "@constellation/pool";
import { owned, until } from "./leftovers.ts";

const module = new URL("./fixtures/tasks.js", import.meta.url);
const broken = new URL("./fixtures/broken.js", import.meta.url);
const echoModule = new URL("./fixtures/echo-module.js", import.meta.url);

/** What a pool is at when it is closed. */
const happenings = {
  echo: (pool: Pool) => pool.run("echo", 1),
  crash: (pool: Pool) => pool.run("exit", 3),
  spin: (pool: Pool) => pool.run("spin", 20_000),
  timeout: (pool: Pool) => pool.run("spin", 20_000, { timeoutMs: 5 }),
  abort: (pool: Pool) => pool.run("wait", 20_000, { signal: AbortSignal.timeout(5) }),
  room: (pool: Pool) => pool.whenRoom(),
  lease: async (pool: Pool) => {
    const lease = await pool.lease({ whenGone: { queueMs: 20_000 } });
    await lease.load(echoModule);
    await lease.release();
  },
  cold: async (pool: Pool) => (await pool.lease({ whenGone: "cold" })).recycle(),
  lostLease: async (pool: Pool) => (await pool.lease()).call("exit", 1),
  pause: () => new Promise((resolve) => setTimeout(resolve, 15)),
};

it.each<Placement>(["thread", "process"])(
  "a %s pool that is closed at any moment settles every call and leaves nothing",
  async (placement) => {
    const before = owned();
    const names = fc.constantFrom(...(Object.keys(happenings) as (keyof typeof happenings)[]));
    const sizes = fc.record({ workers: fc.nat(2), spares: fc.nat(3), delayMs: fc.nat(20), recycleTasks: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.array(names, { maxLength: 15 }),
        fc.nat(40),
        fc.boolean(),
        fc.nat(19),
        async (size, plan, closesMs, isReady, luck) => {
          const events: PoolEvent[] = [];
          const pool = createPool({
            module: luck === 0 ? broken : module,
            placement,
            workers: size.workers,
            spares: size.spares,
            total: 6,
            abortGraceMs: 10,
            refill: { delayMs: size.delayMs },
            recycle: size.recycleTasks === 0 ? {} : { tasks: size.recycleTasks },
            onEvent: (event) => events.push(event),
          });
          if (isReady) await pool.ready().catch(() => undefined);
          const calls: Promise<unknown>[] = [];
          for (const name of plan) {
            if (name === "pause") await happenings.pause();
            else calls.push(happenings[name](pool).then(ignore, ignore));
          }
          await new Promise((resolve) => setTimeout(resolve, closesMs));
          await pool.close({ graceMs: closesMs % 2 === 0 ? 0 : 20 });
          // A call that never settles ends this test by its time limit.
          await Promise.all(calls);
          const count = (kind: PoolEvent["kind"]): number => events.filter((event) => event.kind === kind).length;
          await until(() => count("worker-ended") === count("worker-started"), "every worker that started has ended");
        },
      ),
      { numRuns: 25 },
    );
    await until(() => JSON.stringify(owned()) === JSON.stringify(before), "nothing left");
  },
  120_000,
);

function ignore(): void {
  // How it settles is told by other tests; here it is enough that it does.
}

it("fails what a worker had not begun when its pool is closed", async () => {
  const pool = createPool({ module, workers: 1 });
  // Quick by now, so that they are sent ahead of their turn.
  for (let round = 0; round < 30; round += 1) await pool.run("fickleSpin", 0);
  const calls = [20_000, 0, 0].map((ms) => pool.run("fickleSpin", ms));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await pool.close({ graceMs: 0 });
  const settled = await Promise.allSettled(calls);
  expect(settled.map((one) => one.status === "rejected" && (one.reason as { code?: string }).code)).toEqual([
    "worker-crashed",
    "pool-closed",
    "pool-closed",
  ]);
});

it.each<Placement>(["thread", "process"])(
  "gives calls of leases of a %s pool the same grace as tasks",
  async (placement) => {
    const pool = createPool({ module, placement, workers: 0, spares: 1 });
    await pool.ready();
    const lease = await pool.lease();
    const call = lease.call("spin", 200);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await pool.close({ graceMs: 10_000 });
    expect(await call).toBe(200);
  },
);

it("waits no longer than who closes it last wants", async () => {
  const pool = createPool({ module, workers: 1 });
  await pool.ready();
  const call = pool.run("wait", 60_000);
  const settled = expect(call).rejects.toMatchObject({ code: "worker-crashed" });
  const closing = pool.close({ graceMs: 60_000 });
  let isClosed = false;
  void pool.close().then(() => (isClosed = true));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(isClosed).toBe(false);
  await pool.close({ graceMs: 0 });
  await closing;
  await settled;
});
