import { describe, expect, it } from "vitest";
import { type Placement, type PoolEvent } from "@constellation/pool";
import { until } from "./leftovers.ts";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/tasks.js", import.meta.url);
const echoModule = new URL("./fixtures/echo-module.js", import.meta.url);
const { open } = watchedPools({ module, workers: 0, spares: 2 });

describe.each<Placement>(["thread", "process"])("a leased %s", (placement) => {
  it("loads a module it never saw and speaks with it both ways", async () => {
    const pool = await open({ placement });
    const lease = await pool.lease<{ echo: unknown }>();
    expect(lease.path).toBe("spare");
    expect(await lease.load(echoModule, { rate: 44_100 })).toEqual({ started: { rate: 44_100 } });
    const heard: unknown[] = [];
    const three = new Promise<void>((resolve) =>
      lease.onMessage((message) => heard.push(message.echo) === 3 && resolve()),
    );
    lease.send(1);
    lease.send({ two: 2 });
    lease.send(new Float32Array([3]));
    await three;
    expect(heard).toEqual([1, { two: 2 }, new Float32Array([3])]);
    const bytes = new Promise<Uint8Array>((resolve) => lease.onBytes((got) => resolve(Uint8Array.from(got))));
    lease.sendBytes(new Uint8Array(100_000).fill(9));
    expect(await bytes).toEqual(new Uint8Array(100_000).fill(9));
    expect(await lease.release()).toBe("recycled");
  });

  it("comes back as it was, or reset, or new", async () => {
    const pool = await open({ placement, spares: 1 });
    const first = await pool.lease();
    expect([await first.call("count"), await first.call("count")]).toEqual([1, 2]);
    expect(await first.release()).toBe("returned");
    const second = await pool.lease();
    expect(second.worker).toBe(first.worker);
    expect(await second.call("count")).toBe(3);
    await second.reset();
    const third = await pool.lease();
    expect(third.worker).toBe(first.worker);
    expect(await third.call("count")).toBe(1);
    await third.recycle();
    const fourth = await pool.lease();
    expect(fourth.worker).not.toBe(first.worker);
    await expect(third.call("count")).rejects.toMatchObject({ code: "lease-over" });
  });

  it("tells its holder when it dies, and is replaced", async () => {
    const pool = await open({ placement, spares: 1 });
    const lease = await pool.lease();
    await expect(lease.call("exit", 3)).rejects.toMatchObject({ code: "worker-crashed" });
    expect(await lease.ended).toMatchObject({
      kind: "crashed",
      detail: expect.stringMatching(/exit code 3/) as string,
    });
    await until(() => pool.snapshot()[0]?.spares.idle === 1, "a new spare");
  });

  it("is refilled after quiet, back to the target and no further", async () => {
    // A refill that comes behind all others may take as long as they like: here it is counted, not timed.
    const pool = await open({ placement, spares: 3, refill: { niceness: 0 } });
    const leases = await Promise.all([pool.lease(), pool.lease(), pool.lease()]);
    expect(new Set(leases.map((lease) => lease.worker)).size).toBe(3);
    expect(pool.snapshot()[0]?.spares).toMatchObject({ idle: 0, leased: 3, opening: 0 });
    await until(() => pool.snapshot()[0]?.spares.idle === 3, "three new spares");
    await Promise.all(leases.map((lease) => lease.release()));
    await until(
      () => pool.snapshot()[0]?.spares.leased === 0 && pool.snapshot()[0]?.workers.length === 3,
      "no surplus",
    );
  });
});

it("waits, starts cold or is refused when no spare is left, as the caller chose, and counts which", async () => {
  const pool = await open({ placement: "thread", spares: 1, refill: { delayMs: 1000 } });
  const only = await pool.lease();
  await expect(pool.lease({ whenGone: "reject" })).rejects.toMatchObject({
    code: "no-spare",
    message: expect.stringMatching(/1 are leased/) as string,
  });
  await expect(pool.lease({ whenGone: { queueMs: 0 } })).rejects.toMatchObject({ code: "queue-deadline" });
  const cold = await pool.lease({ whenGone: "cold" });
  expect(cold.path).toMatch(/cold/);
  const queued = pool.lease({ whenGone: { queueMs: 20_000 } });
  await only.release();
  expect((await queued).path).toBe("queued");
  const stop = new AbortController();
  const waiting = pool.lease({ whenGone: { queueMs: 20_000 }, signal: stop.signal });
  stop.abort(new Error("changed my mind"));
  await Promise.allSettled([waiting]);
  expect(pool.snapshot()[0]?.counts).toMatchObject({
    leasesFromSpare: 1,
    leasesCold: 1,
    leasesRejected: 1,
    leaseDeadlinesMissed: 1,
  });
});

it("admits real-time leases while their cost fits, and says why not", async () => {
  const pool = await open({ placement: "thread", spares: 1, latency: { tickMs: 5.8, budgetMs: 20 } });
  await expect(pool.lease({ tier: "realtime", costMs: 1000 })).rejects.toMatchObject({
    code: "admission-refused",
    message: expect.stringMatching(/at most the tick of 5.8 ms/) as string,
  });
  const plain = await open({ placement: "thread", spares: 1 });
  await expect(plain.lease({ tier: "realtime", costMs: 1 })).rejects.toMatchObject({
    message: expect.stringMatching(/declare latency.tickMs/) as string,
  });
});

describe.each<Placement>(["thread", "process"])("a leased %s", (placement) => {
  it("is ended when loading a module does not end in time", async () => {
    const pool = await open({ placement, spares: 1, abortGraceMs: 20 });
    const lease = await pool.lease();
    const stuck = new URL("./fixtures/stuck-module.js", import.meta.url);
    await expect(lease.load(stuck, null, { timeoutMs: 300 })).rejects.toMatchObject({ code: "task-timeout" });
    expect(await lease.ended).toMatchObject({ kind: "ended" });
  });

  it("counts messages for which nobody listened in time", async () => {
    const pool = await open({ placement, spares: 1 });
    const lease = await pool.lease();
    await lease.load(new URL("./fixtures/talking-module.js", import.meta.url), 1500);
    await until(() => lease.dropped === 1500 - 1024, "what was too much is counted");
    const heard: unknown[] = [];
    lease.onMessage((message) => heard.push(message));
    expect(heard).toEqual(Array.from({ length: 1024 }, (_, index) => index));
  });
});

it("takes only so many calls at a time, and answers all it took", async () => {
  const pool = await open({ placement: "thread", spares: 1 });
  const lease = await pool.lease();
  const calls = Array.from({ length: 65_537 }, (_, index) => lease.call("echo", index));
  await expect(calls.pop()).rejects.toMatchObject({ code: "queue-full" });
  expect(await Promise.all(calls)).toEqual(calls.map((_, index) => index));
});

it("renews idle spares that have grown old, one after the other", async () => {
  const events: PoolEvent[] = [];
  const pool = await open({ placement: "thread", recycle: { ageMs: 300 }, onEvent: (event) => events.push(event) });
  const old = pool.snapshot()[0]?.workers.map(({ worker }) => worker) ?? [];
  await until(() => (pool.snapshot()[0]?.workers ?? []).every(({ worker }) => !old.includes(worker)), "new spares");
  const first = events.findIndex((event) => event.kind === "worker-ended");
  const second = events.findLastIndex((event) => event.kind === "worker-ended" && old.includes(event.worker));
  expect(events.slice(first, second).some((event) => event.kind === "worker-warm")).toBe(true);
});

it("does not exceed its total", async () => {
  const pool = await open({ placement: "thread", spares: 1, total: 1 });
  await pool.lease();
  await expect(pool.lease({ whenGone: "cold" })).rejects.toMatchObject({
    code: "no-spare",
    message: expect.stringMatching(/total \(1\)/) as string,
  });
});

describe.each<Placement>(["thread", "process"])("too much for the other end of the channel to a %s", (placement) => {
  it.each([false, true])("is refused, in both directions (bytes: %s)", async (atOnce) => {
    const pool = await open({ placement, spares: 1 });
    const lease = await pool.lease();
    const over = placement === "thread" ? new Int32Array(new SharedArrayBuffer(4)) : new Int32Array(1);
    const answer = lease.load(new URL("./fixtures/flood-module.js", import.meta.url), { atOnce, over });
    if (placement === "thread") Atomics.wait(over, 0, 0, 20_000);
    expect(await answer).toMatchObject({ code: "channel-full" });
    void lease.call("spin", 60_000).catch(() => undefined);
    const send = (): void => (atOnce ? lease.sendBytes(new Uint8Array(100_000)) : lease.send("x".repeat(100)));
    expect(() => {
      for (let sent = 0; sent < 3_000_000; sent += 1) send();
    }).toThrow(expect.objectContaining({ code: "channel-full" }) as Error);
    await lease.recycle();
  });
});
