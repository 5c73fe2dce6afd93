import { expect, it } from "vitest";
import { type Placement } from "@constellation/pool";
import { until } from "./leftovers.ts";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/odd-tasks.js", import.meta.url);
const oddModule = new URL("./fixtures/odd-module.js", import.meta.url);
const { open } = watchedPools({ module, workers: 0, spares: 1 });

it("a lease that is reset twice takes nobody else's worker", async () => {
  const pool = await open({ placement: "thread" });
  const lease = await pool.lease();
  const next = pool.lease({ whenGone: { queueMs: 20_000 } });
  await Promise.all([lease.reset(), lease.reset()]);
  expect(await (await next).call("echo", 3)).toBe(3);
});

it("a worker that is at something is not given to others, also after a reset", async () => {
  const pool = await open({ placement: "thread" });
  const lease = await pool.lease();
  const running = expect(lease.call("never")).rejects.toMatchObject({ code: "worker-crashed" });
  await lease.reset();
  await running;
  const next = await pool.lease({ whenGone: { queueMs: 20_000 } });
  expect(await next.call("echo", 1)).toBe(1);
});

it.each<Placement>(["thread", "process", "inline"])(
  "what is said for one lease of a %s is not heard by the next",
  async (placement) => {
    const pool = await open({ placement });
    const first = await pool.lease();
    await first.call("murmur", { text: "secret", ms: 60 });
    await first.call("murmur", { text: "secret", ms: 0 });
    expect(await first.release()).toBe("returned");
    const second = await pool.lease();
    expect(second.worker).toBe(first.worker);
    const heard: unknown[] = [];
    second.onMessage((message) => heard.push(message));
    second.onBytes((bytes) => heard.push([...bytes]));
    await second.call("murmur", { text: "mine", ms: 100 });
    await until(() => heard.length >= 2, "its own message and bytes");
    expect(heard).toEqual(["mine", [1]]);
  },
);

it("a listener of a lease that is over hears nothing of the next", async () => {
  const pool = await open({ placement: "thread" });
  const first = await pool.lease();
  await first.release();
  const second = await pool.lease();
  const heard: string[] = [];
  second.onMessage(() => heard.push("second"));
  first.onMessage(() => heard.push("first"));
  await second.load(oddModule);
  second.send("x");
  await until(() => heard.length > 0, "an answer");
  expect(heard).toEqual(["second"]);
});

it("a call that is aborted before it began does not end its worker", async () => {
  const pool = await open({ placement: "thread", abortGraceMs: 20 });
  const lease = await pool.lease();
  const running = lease.call("wait", 300);
  const stop = new AbortController();
  const waiting = lease.call("echo", 1, { signal: stop.signal });
  await lease.load(oddModule);
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  expect(await running).toBe(300);
});

it.each<Placement>(["thread", "process"])(
  "a lease of a %s that is over says what became of its worker",
  async (placement) => {
    const pool = await open({ placement });
    const taken = await pool.lease();
    await expect(taken.call("exit", 3)).rejects.toMatchObject({ code: "worker-crashed" });
    expect(await taken.release()).toBe("recycled");
    const ended = await pool.lease({ whenGone: { queueMs: 20_000 } });
    const ends = ended.recycle();
    expect(await ended.release()).toBe("recycled");
    // Not before it is gone.
    expect(pool.snapshot()[0]?.workers.map(({ worker }) => worker)).not.toContain(ended.worker);
    await ends;
    const given = await pool.lease({ whenGone: { queueMs: 20_000 } });
    expect(await Promise.all([given.release(), given.release()])).toEqual(["returned", "returned"]);
  },
);

it("a lease whose worker is one too many says that it was ended", async () => {
  const pool = await open({ placement: "thread", refill: { delayMs: 0, niceness: 0 } });
  const lease = await pool.lease();
  await until(() => pool.snapshot()[0]?.spares.idle === 1, "the spare after it");
  expect(await lease.release()).toBe("recycled");
  expect(await lease.ended).toBe("recycled");
});
