import { availableParallelism, getPriority } from "node:os";
import { expect, it, onTestFinished } from "vitest";
import { createPool, type Pool, type PoolEvent, type PoolOptions } from "@constellation/pool";
import { canTakeNicenessBack } from "../src/privilege.ts";
import { admit } from "../src/latency/admission.ts";
import { until } from "./leftovers.ts";

const module = new URL("./fixtures/tasks.js", import.meta.url);
const tickMs = 5.8;
/** A tier needs a core besides its own. */
const hasTier = availableParallelism() >= 2;

async function open(options: Partial<PoolOptions>): Promise<Pool> {
  const pool = createPool({ module, workers: 0, latency: { tickMs }, ...options });
  onTestFinished(() => pool.close({ graceMs: 0 }));
  await pool.ready();
  return pool;
}

it.runIf(hasTier)("what waits for its worker counts as promised", async () => {
  const pool = await open({ spares: 1, placement: "thread", total: 1 });
  const first = await pool.lease();
  const costMs = (availableParallelism() - 1) * tickMs * 0.7;
  const waiting = pool.lease({ tier: "realtime", costMs: Math.min(costMs, tickMs * 0.7) });
  const others = await Promise.allSettled(
    Array.from({ length: availableParallelism() }, () =>
      pool.lease({ tier: "realtime", costMs: tickMs * 0.7, whenGone: { queueMs: 0 } }),
    ),
  );
  expect(others.at(-1)).toMatchObject({ reason: { code: "admission-refused" } });
  await first.release();
  await waiting;
});

it.runIf(hasTier)("everybody else is niced while a real-time lease runs, also who comes later", async () => {
  const pool = await open({ spares: 2, placement: "process", refill: { delayMs: 0 } });
  const niced = canTakeNicenessBack() ? 10 : 0;
  const spares = (): number[] =>
    (pool.snapshot()[0]?.workers ?? []).filter((worker) => worker.state === "warm").map((worker) => worker.id);
  const lease = await pool.lease({ tier: "realtime", costMs: 1 });
  expect(getPriority(lease.id)).toBe(0);
  await until(() => spares().length === 2, "the spare after it");
  await until(() => spares().every((pid) => getPriority(pid) === niced), "both spares niced");
  await lease.recycle();
  await until(() => spares().every((pid) => getPriority(pid) === 0), "nobody niced any more");
});

it("tells ticks and missed ones in its snapshot and events", async () => {
  const events: PoolEvent[] = [];
  const pool = await open({ spares: 1, placement: "thread", onEvent: (event) => events.push(event) });
  const stop = new AbortController();
  const report = await pool.runTicks((index) => {
    // The third takes as long as three.
    const untilMs = performance.now() + (index === 3 ? 3 * tickMs : 0);
    while (performance.now() < untilMs);
    if (index >= 8) stop.abort();
  }, stop.signal);
  expect(report.missed).toBeGreaterThanOrEqual(2);
  const [fleet] = pool.snapshot();
  expect(fleet?.counts.ticksMissed).toBe(report.missed);
  expect(fleet?.tick.count).toBe(report.ticks);
  const told = events.reduce((sum, event) => sum + (event.kind === "ticks-missed" ? event.count : 0), 0);
  expect(told).toBe(report.missed);
  const plain = createPool({ module, workers: 0 });
  onTestFinished(() => plain.close());
  await expect(plain.runTicks(() => undefined, stop.signal)).rejects.toMatchObject({ code: "options-invalid" });
});

it("promises no more than all cores but one can keep", () => {
  const facts = { cores: 4, tickMs: 10, fill: 0.5, running: [5, 5], costMs: 5 };
  expect(admit(facts)).toEqual({ kind: "admitted" });
  expect(admit({ ...facts, running: [5, 5, 1] })).toMatchObject({
    kind: "refused",
    reason: expect.stringMatching(/11.00 ms per tick/) as string,
  });
  expect(admit({ ...facts, cores: 1.9 })).toMatchObject({
    kind: "refused",
    reason: expect.stringMatching(/leaves one core/) as string,
  });
  expect(admit({ ...facts, costMs: 11 })).toMatchObject({
    kind: "refused",
    reason: expect.stringMatching(/at most the tick/) as string,
  });
  expect(admit({ ...facts, tickMs: null })).toMatchObject({
    kind: "invalid",
    reason: expect.stringMatching(/declare latency.tickMs/) as string,
  });
});

it("tells what is no wish for a real-time lease from one that is refused", async () => {
  const pool = await open({ spares: 1, placement: "thread" });
  const never = { code: "options-invalid", retryable: false };
  for (const costMs of [undefined, 0, Number.NaN])
    await expect(pool.lease({ tier: "realtime", ...(costMs === undefined ? {} : { costMs }) })).rejects.toMatchObject(
      never,
    );
  await expect(pool.lease({ tier: "real-time" as "realtime", costMs: 1 })).rejects.toMatchObject(never);
  const plain = await open({ spares: 1, placement: "thread", latency: {} });
  await expect(plain.lease({ tier: "realtime", costMs: 1 })).rejects.toMatchObject(never);
});
