import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { backoffMs, Bulkhead, CircuitBreaker, RateLimiter, retry } from "@constellation/actors";
import { ManualHost } from "@constellation/actors/testkit";
import { fc } from "../fixtures/fast-check.ts";

const fails = (): never => {
  throw new Error("down");
};

describe("a circuit breaker", () => {
  it("opens after failures in a row, tries after a while, and closes when that works", async () => {
    const host = new ManualHost();
    const breaker = new CircuitBreaker(host, { failures: 2, openMs: 100 });
    const works = (): Promise<unknown> => breaker.run(() => "fine");
    await expect(breaker.run(fails)).rejects.toThrow("down");
    expect(await works()).toEqual({ kind: "done", value: "fine" });
    expect(breaker.state).toEqual({ kind: "closed", failures: 0 });
    for (let call = 0; call < 2; call += 1) await expect(breaker.run(fails)).rejects.toThrow("down");
    expect(breaker.state).toEqual({ kind: "open", untilMs: 100 });
    await host.advance(40);
    expect(await works()).toEqual({ kind: "refused", by: "breaker", retryAfterMs: 60 });
    await host.advance(60);
    let finish: (value: string) => void = () => {};
    const trial = breaker.run(() => new Promise<string>((resolve) => (finish = resolve)));
    expect(breaker.state.kind).toBe("half-open");
    expect(await works()).toMatchObject({ kind: "refused", retryAfterMs: 100 });
    finish("back");
    expect(await trial).toEqual({ kind: "done", value: "back" });
    expect(breaker.state.kind).toBe("closed");
  });

  it("stays open when the trial fails, and does not count what is no failure or comes late", async () => {
    const host = new ManualHost();
    const breaker = new CircuitBreaker(host, {
      failures: 1,
      openMs: 100,
      isFailure: (error) => (error as Error).message === "down",
    });
    const notFound = (): never => {
      throw new Error("not found");
    };
    await expect(breaker.run(notFound)).rejects.toThrow("not found");
    expect(breaker.state.kind).toBe("closed");
    let failLate: (error: Error) => void = () => {};
    let workLate: (value: number) => void = () => {};
    const late = breaker.run(() => new Promise((_resolve, reject) => (failLate = reject)));
    const lateSuccess = breaker.run(() => new Promise<number>((resolve) => (workLate = resolve)));
    await expect(breaker.run(fails)).rejects.toThrow("down");
    failLate(new Error("down"));
    workLate(1);
    await expect(late).rejects.toThrow("down");
    await lateSuccess;
    expect(breaker.state).toEqual({ kind: "open", untilMs: 100 });
    await host.advance(100);
    await expect(breaker.run(fails)).rejects.toThrow("down");
    expect(breaker.state).toEqual({ kind: "open", untilMs: 200 });
    await host.advance(100);
    await expect(breaker.run(notFound)).rejects.toThrow("not found");
    expect(breaker.state.kind).toBe("closed");
    expect(() => new CircuitBreaker(host, { failures: 0 })).toThrow(RangeError);
    expect(() => new CircuitBreaker(host, { openMs: 0 })).toThrow(RangeError);
    expect(new CircuitBreaker(host).state.kind).toBe("closed");
  });
});

describe("retry", () => {
  it("calls again with growing waits until it works, or enough is enough", async () => {
    const host = new ManualHost();
    const times: number[] = [];
    const flaky = (attempt: number): string => {
      times.push(host.nowMs());
      return attempt === 3 ? "fine" : fails();
    };
    const backoff = { initialMs: 100, maxMs: 1000, jitter: 0 };
    const result = retry(host, flaky, { backoff });
    await host.advance(1000);
    expect(await result).toBe("fine");
    expect(times).toEqual([0, 100, 300]);
    const exhausted = retry(host, fails, { attempts: 2 });
    const caught = expect(exhausted).rejects.toThrow("down");
    await host.advance(1000);
    await caught;
    await expect(retry(host, fails, { isRetryable: () => false })).rejects.toThrow("down");
    await expect(retry(host, fails, { attempts: 0 })).rejects.toThrow(RangeError);
  });

  it("gives up at once when told to, before, during and while it waits", async () => {
    const host = new ManualHost();
    await expect(retry(host, () => 1, { signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");
    const abort = new AbortController();
    const waiting = expect(retry(host, fails, { signal: abort.signal })).rejects.toThrow("while");
    await host.settle();
    abort.abort(new Error("while"));
    await waiting;
    expect(host.pendingTimers).toBe(0);
    const during = new AbortController();
    const call = (): never => {
      during.abort(new Error("during"));
      return fails();
    };
    await expect(retry(host, call, { signal: during.signal })).rejects.toThrow("during");
  });

  it("backs off by the formula", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 0, max: 40 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (initialMs, restart, random) => {
          const ms = backoffMs({ initialMs, maxMs: 60_000 }, restart, random);
          const full = Math.min(60_000, initialMs * 2 ** restart);
          expect(ms).toBeLessThanOrEqual(full);
          expect(ms).toBeGreaterThanOrEqual(full * 0.8);
        },
      ),
    );
  });
});

describe("a bulkhead", () => {
  it("keeps nothing of calls that gave up while they waited", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const bulkhead = new Bulkhead({ concurrent: 1, waiting: 1 });
    void bulkhead.run(() => new Promise(() => {}));
    const giveUp = async (): Promise<WeakRef<AbortSignal>> => {
      const patience = new AbortController();
      const gone = expect(bulkhead.run(() => 1, patience.signal)).rejects.toThrow("enough");
      patience.abort(new Error("enough"));
      await gone;
      return new WeakRef(patience.signal);
    };
    const signals: WeakRef<AbortSignal>[] = [];
    for (let call = 0; call < 20; call += 1) signals.push(await giveUp());
    await new Promise((resolve) => setTimeout(resolve, 5));
    collect();
    // The engine may hold on to the last one or two.
    expect(signals.filter((signal) => signal.deref() !== undefined).length).toBeLessThan(5);
  });

  it("runs so many at a time, lets so many wait, and refuses the others", async () => {
    const bulkhead = new Bulkhead({ concurrent: 2, waiting: 2 });
    const finish: (() => void)[] = [];
    const call = (): Promise<void> => new Promise((resolve) => finish.push(resolve));
    const abort = new AbortController();
    const calls = [bulkhead.run(call), bulkhead.run(call), bulkhead.run(call, abort.signal), bulkhead.run(call)];
    expect(await bulkhead.run(call)).toEqual({ kind: "refused", by: "bulkhead", retryAfterMs: null });
    expect([bulkhead.running, bulkhead.waiting, finish.length]).toEqual([2, 2, 2]);
    const gone = expect(calls[2]).rejects.toThrow("enough");
    abort.abort(new Error("enough"));
    await gone;
    finish[0]?.();
    await calls[0];
    await Promise.resolve();
    expect([bulkhead.running, bulkhead.waiting, finish.length]).toEqual([2, 0, 3]);
    for (const done of finish) done();
    await Promise.all([calls[1], calls[3]]);
    expect(bulkhead.running).toBe(0);
    await expect(bulkhead.run(fails)).rejects.toThrow("down");
    const held = [bulkhead.run(call), bulkhead.run(call)];
    const withSignal = bulkhead.run(() => 5, new AbortController().signal);
    await expect(bulkhead.run(call, AbortSignal.abort(new Error("late")))).rejects.toThrow("late");
    for (const done of finish) done();
    expect(await withSignal).toEqual({ kind: "done", value: 5 });
    await Promise.all(held);
    expect(await new Bulkhead({ concurrent: 1 }).run(() => 1)).toEqual({ kind: "done", value: 1 });
    expect(() => new Bulkhead({ concurrent: 0 })).toThrow(RangeError);
    expect(() => new Bulkhead({ concurrent: 1, waiting: -1 })).toThrow(RangeError);
  });
});

describe("a rate limiter", () => {
  it("lets a burst through, then the rate, and tells when to come again", async () => {
    const host = new ManualHost();
    const limiter = new RateLimiter(host, { calls: 10, perMs: 1000, burst: 3 });
    expect([1, 2, 3].map(() => limiter.take().kind)).toEqual(["done", "done", "done"]);
    expect(limiter.take()).toEqual({ kind: "refused", by: "rate-limiter", retryAfterMs: 100 });
    await host.advance(250);
    expect([1, 2, 3].map(() => limiter.take().kind)).toEqual(["done", "done", "refused"]);
    expect(await limiter.run(() => 1)).toMatchObject({ kind: "refused", retryAfterMs: 50 });
    const waits = [limiter.run(() => host.nowMs(), { waitMs: 200 }), limiter.run(() => host.nowMs(), { waitMs: 200 })];
    expect(await limiter.run(() => 1, { waitMs: 200 })).toMatchObject({ kind: "refused", retryAfterMs: 250 });
    const abort = new AbortController();
    const aborted = expect(limiter.run(() => 1, { waitMs: 1000, signal: abort.signal })).rejects.toThrow("enough");
    abort.abort(new Error("enough"));
    await aborted;
    await host.advance(200);
    expect(await Promise.all(waits)).toEqual([
      { kind: "done", value: 300 },
      { kind: "done", value: 400 },
    ]);
    await host.advance(10_000);
    expect(await limiter.run(() => "now", { signal: new AbortController().signal })).toEqual({
      kind: "done",
      value: "now",
    });
    expect(() => new RateLimiter(host, { calls: 0, perMs: 1 })).toThrow(RangeError);
    expect(() => new RateLimiter(host, { calls: 1, perMs: 1, burst: 0 })).toThrow(RangeError);
  });
});
