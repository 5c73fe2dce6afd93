import fc from "fast-check";
import { expect, it } from "vitest";
import { createPool, PoolError, type Placement } from "@constellation/pool";
import { owned, until } from "./leftovers.ts";

const module = new URL("./fixtures/tasks.js", import.meta.url);

/** For how long; a few rounds when it is not said. */
const seconds = Number(process.env["POOL_STRESS_SECONDS"] ?? 0);

type Call = { readonly kind: "echo" | "crash" | "abort" | "timeout" | "throw" | "lease"; readonly afterMs: number };

it.each<Placement>(["thread", "process"])(
  "every call of a stressed %s pool is answered once and rightly, and nothing is left",
  async (placement) => {
    const before = owned();
    const call: fc.Arbitrary<Call> = fc.record({
      kind: fc.oneof(
        { weight: 40, arbitrary: fc.constant("echo" as const) },
        { weight: 1, arbitrary: fc.constantFrom("crash" as const, "abort" as const, "timeout" as const) },
        { weight: 2, arbitrary: fc.constantFrom("throw" as const, "lease" as const) },
      ),
      afterMs: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 50, maxLength: 150 }), async (calls) => {
        const pool = createPool({ module, placement, workers: 2, spares: 1, abortGraceMs: 10 });
        try {
          const outcomes = await Promise.all(calls.map((one, index) => play(pool, one, index)));
          expect(outcomes).toEqual(calls.map((one) => one.kind));
          const [fleet] = pool.snapshot();
          const times = (...kinds: Call["kind"][]): number => calls.filter(({ kind }) => kinds.includes(kind)).length;
          expect(fleet).toMatchObject({
            queuedTasks: 0,
            spares: { waiting: 0, leased: 0 },
            counts: {
              tasksDone: times("echo", "throw"),
              tasksFailed: times("throw"),
              tasksLost: times("crash"),
              tasksGivenUp: times("abort", "timeout"),
            },
          });
        } finally {
          await pool.close({ graceMs: 0 });
        }
      }),
      seconds === 0
        ? { numRuns: 4 }
        : { numRuns: 1_000_000, interruptAfterTimeLimit: seconds * 1000, markInterruptAsFailure: false },
    );
    await until(() => JSON.stringify(owned()) === JSON.stringify(before), "nothing left");
  },
  120_000 + seconds * 1000,
);

/** Makes one call and returns its kind when it went as it has to; throws what went otherwise. */
async function play(pool: ReturnType<typeof createPool>, call: Call, index: number): Promise<string> {
  if (call.kind === "echo") {
    expect(await pool.run("echo", index)).toBe(index);
    return call.kind;
  }
  if (call.kind === "lease") {
    const lease = await pool.lease({ whenGone: { queueMs: 60_000 } });
    expect(await lease.call("echo", index)).toBe(index);
    await (index % 2 === 0 ? lease.release() : lease.recycle());
    return call.kind;
  }
  const failure: unknown = await provoke(pool, call).catch((error: unknown) => error);
  if (call.kind === "throw") expect(failure).toMatchObject({ name: "RangeError" });
  else if (call.kind === "abort") expect(failure).toMatchObject({ name: "TimeoutError" });
  else {
    expect(failure).toBeInstanceOf(PoolError);
    expect(failure).toMatchObject({ code: call.kind === "crash" ? "worker-crashed" : "task-timeout" });
  }
  return call.kind;
}

function provoke(pool: ReturnType<typeof createPool>, call: Call): Promise<unknown> {
  switch (call.kind) {
    case "crash":
      return pool.run("exit", 5);
    case "timeout":
      return pool.run("spin", 60_000, { timeoutMs: 5 + call.afterMs });
    case "abort":
      return pool.run("spin", 60_000, { signal: AbortSignal.timeout(1 + call.afterMs) });
    default:
      return pool.run("boom");
  }
}
