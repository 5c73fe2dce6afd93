import assert from "node:assert/strict";
import { type EngineErrorCode, isEngineError } from "../error.ts";
import { stateLimits } from "../state/limits.ts";
import { beginning, type Rev, type StateStore, type WatchEvent } from "../state/store.ts";
import { caseOver, type Opened, type Runner, utf8 } from "./runner.ts";
import { walkAgainstModel } from "./state-model.ts";

/** A store under test. */
export interface StateSubject extends Opened {
  /** The store; another object after a restart. */
  readonly store: StateStore;
  /** Lets time pass for leases, by moving a clock or by waiting. */
  readonly passMs: (ms: number) => Promise<void>;
  /** Forgets history up to the revision. */
  readonly compact: (upTo: Rev) => Promise<void>;
  /** Ends the store and starts it again on the same data; absent where nothing survives. */
  readonly restart?: () => Promise<void>;
}

/** Registers every case that a state store must pass; `seeds` are random walks against a model. */
export function stateConformance(runner: Runner, open: () => Promise<StateSubject>, { seeds = 20 } = {}): void {
  const check = caseOver(runner, open);
  basics(check);
  refusals(check);
  watching(check);
  leasing(check);
  restarting(check);
  for (let seed = 1; seed <= seeds; seed += 1) {
    check(`random transactions agree with a model, seed ${seed}`, (subject) => walkAgainstModel(subject, seed));
  }
}

type Check = (name: string, run: (subject: StateSubject) => Promise<void>) => void;

function basics(check: Check): void {
  check("an absent key is null", async ({ store }) => {
    assert.equal(await store.get("apps.web"), null);
    assert.deepEqual((await store.list("")).items, []);
  });

  check("what was put is got, with the revision of its transaction", async ({ store }) => {
    const rev = await store.txn({ put: [write("apps.web", "a"), write("apps.api", "b")] });
    assert.ok(rev > beginning);
    assert.deepEqual(await read(store, "apps.web"), ["a", rev]);
    assert.deepEqual(await read(store, "apps.api"), ["b", rev]);
  });

  check("revisions rise, and a transaction that changes nothing leaves them", async ({ store }) => {
    const first = await store.txn({ put: [write("a", "1")] });
    const second = await store.txn({ put: [write("a", "1")] });
    assert.ok(second > first);
    assert.equal(await store.txn({ del: ["absent"] }), second);
    assert.equal(await store.txn({ expect: [{ key: "a", rev: second }] }), second);
  });

  check("a list is ordered by key and holds the prefix and what is below it, by whole tokens", async ({ store }) => {
    const keys = ["a", "a-b", "a.b", "a.b.c", "a.B", "a0", "ab", "b.a"];
    await store.txn({ put: keys.map((key) => write(key, key)) });
    const under = async (prefix: string): Promise<string[]> => (await store.list(prefix)).items.map(({ key }) => key);
    assert.deepEqual(await under("a"), ["a", "a.B", "a.b", "a.b.c"]);
    assert.deepEqual(await under("a.b"), ["a.b", "a.b.c"]);
    assert.deepEqual(await under(""), [...keys].sort());
    assert.deepEqual(await under("zz"), []);
  });

  check("stored bytes are the caller's no more, nor are read ones the store's", async ({ store }) => {
    const value = utf8.of("first");
    const done = store.txn({ put: [{ key: "a", value }] });
    value.fill(0);
    await done;
    const got = await store.get("a");
    got?.value.fill(0);
    assert.equal(utf8.text((await store.get("a"))?.value), "first");
  });

  check("empty values and every byte come back", async ({ store }) => {
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await store.txn({
      put: [
        { key: "empty", value: new Uint8Array() },
        { key: "every", value: every },
      ],
    });
    assert.equal((await store.get("empty"))?.value.byteLength, 0);
    assert.deepEqual((await store.get("every"))?.value, every);
  });

  check(
    "transactions asked at once are applied one after the other, each seeing the ones before",
    async ({ store }) => {
      const attempts = Array.from({ length: 50 }, (_, index) =>
        store.txn({ expect: [{ key: "one", rev: 0 }], put: [write("one", String(index))] }),
      );
      const ended = await Promise.allSettled(attempts);
      assert.equal(ended.filter(({ status }) => status === "fulfilled").length, 1);
      for (const end of ended) if (end.status === "rejected") assert.ok(isEngineError(end.reason, "conflict"));
    },
  );

  check("the outcome of a transaction is settled by its token", async ({ store }) => {
    const rev = await store.txn({ put: [write("a", "1")], token: "mine" });
    assert.deepEqual(await store.settle("mine", beginning), { outcome: "applied", rev });
    assert.deepEqual(await store.settle("other", rev), { outcome: "not-applied" });
  });
}

function refusals(check: Check): void {
  check("a stale expectation refuses the whole transaction", async ({ store }) => {
    const rev = await store.txn({ put: [write("a", "1"), write("b", "1")] });
    await store.txn({ put: [write("b", "2")] });
    const stale = store.txn({
      expect: [
        { key: "a", rev },
        { key: "b", rev },
      ],
      put: [write("a", "3")],
      del: ["b"],
    });
    await refused(stale, "conflict");
    await assert.rejects(stale, (error: unknown) => isEngineError(error) && error.keys.join() === "b");
    assert.deepEqual(await read(store, "a"), ["1", rev]);
    assert.equal(utf8.text((await store.get("b"))?.value), "2");
  });

  check("revision 0 expects absence", async ({ store }) => {
    await store.txn({ expect: [{ key: "a", rev: 0 }], put: [write("a", "1")] });
    await refused(store.txn({ expect: [{ key: "a", rev: 0 }], put: [write("a", "2")] }), "conflict");
    await store.txn({ del: ["a"] });
    await store.txn({ expect: [{ key: "a", rev: 0 }], put: [write("a", "3")] });
  });

  check("a malformed key is refused everywhere", async ({ store }) => {
    for (const key of [
      "",
      ".",
      "a.",
      ".a",
      "a..b",
      "a b",
      "a/b",
      "a*",
      ">",
      "ä",
      "a\0",
      "a\n",
      "x".repeat(stateLimits.keyChars + 1),
    ]) {
      await refused(store.get(key), "bad-key");
      await refused(store.txn({ put: [write(key, "1")] }), "bad-key");
      await refused(store.txn({ del: [key] }), "bad-key");
      await refused(store.txn({ expect: [{ key, rev: 0 }] }), "bad-key");
      if (key !== "") await refused(store.list(key), "bad-key");
      if (key !== "") await refused((async () => store.watch(key, beginning))(), "bad-key");
    }
    await refused(store.txn({ put: [write("a", "1")], del: ["a"] }), "bad-key");
    assert.deepEqual((await store.list("")).items, []);
  });

  check("sizes are held to their limits, exactly", async ({ store }) => {
    const largest = new Uint8Array(stateLimits.valueBytes).fill(7);
    const longest = "k".repeat(stateLimits.keyChars);
    await store.txn({ put: [{ key: longest, value: largest }] });
    assert.deepEqual((await store.get(longest))?.value, largest);
    const more = new Uint8Array(stateLimits.valueBytes + 1);
    await refused(store.txn({ put: [write("a", "1"), { key: "b", value: more }] }), "too-large");
    const third = ["a", "b", "c"].map((key) => ({ key, value: largest }));
    await refused(store.txn({ put: third }), "too-large");
    const many = Array.from({ length: stateLimits.txnKeys + 1 }, (_, index) => write(`many.${index}`, "1"));
    await refused(store.txn({ put: many }), "too-large");
    assert.equal(await store.get("a"), null);
    await store.txn({ put: many.slice(1) });
    assert.equal((await store.list("many")).items.length, stateLimits.txnKeys);
  });

  check("an aborted signal is refused with its reason", async ({ store }) => {
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(store.get("a", { signal }), /enough/);
    await assert.rejects(store.txn({ put: [write("a", "1")] }, { signal }), /enough/);
    assert.equal(await store.get("a"), null);
  });
}

function watching(check: Check): void {
  check("a watch gives history after its revision, then what follows, a transaction at a time", async ({ store }) => {
    const first = await store.txn({ put: [write("w.a", "1")] });
    const second = await store.txn({ put: [write("w.a", "2"), write("w.b", "1"), write("x", "1")] });
    const watch = iterate(store, "w", first);
    assert.deepEqual(await next(watch), [second, ["w.a=2", "w.b=1"]]);
    const third = await store.txn({ put: [write("wa", "1")] });
    const fourth = await store.txn({ del: ["w.a"] });
    assert.ok(third < fourth);
    assert.deepEqual(await next(watch), [fourth, ["w.a=-"]]);
    await watch.stop();
  });

  check("a waiting watch wakes, and one that is not concerned does not lose its place", async ({ store, compact }) => {
    const start = await store.txn({ put: [write("a", "1")] });
    const concerned = iterate(store, "a", start);
    const idle = iterate(store, "b", start);
    const [first, last] = [next(concerned), next(idle)];
    let rev = start;
    for (let index = 0; index < 20; index += 1) rev = await store.txn({ put: [write("a", String(index))] });
    await first;
    await compact(rev);
    const end = await store.txn({ put: [write("b", "1")] });
    assert.deepEqual(await last, [end, ["b=1"]]);
    await Promise.all([concerned.stop(), idle.stop()]);
  });

  check("many changes at once arrive whole, in order, without a gap", async ({ store }) => {
    const expected: Rev[] = [];
    const writes = Array.from({ length: 300 }, (_, index) =>
      store.txn({ put: Array.from({ length: (index % 7) + 1 }, (_, at) => write(`k.${at}`, `${index}`)) }),
    );
    expected.push(...(await Promise.all(writes)));
    const watch = iterate(store, "k", beginning);
    for (const [index, rev] of expected.entries()) {
      const [got, changes] = await next(watch);
      assert.equal(got, rev);
      assert.deepEqual(
        changes,
        Array.from({ length: (index % 7) + 1 }, (_, at) => `k.${at}=${index}`),
      );
    }
    await watch.stop();
  });

  check("a watch from before the kept history answers resync and goes on", async ({ store, compact }) => {
    await store.txn({ put: [write("a", "1")] });
    const head = await store.txn({ put: [write("a", "2")] });
    await compact(head);
    const watch = iterate(store, "a", beginning);
    assert.deepEqual(await next(watch), ["resync", head]);
    const rev = await store.txn({ put: [write("a", "3")] });
    assert.deepEqual(await next(watch), [rev, ["a=3"]]);
    await watch.stop();
    const resumed = iterate(store, "a", head);
    assert.deepEqual(await next(resumed), [rev, ["a=3"]]);
    await resumed.stop();
  });

  check("compaction keeps current values, and removes what was overwritten later", async ({ store, compact }) => {
    await store.txn({ put: [write("kept", "1"), write("changed", "1"), write("gone", "1")] });
    const head = await store.txn({ put: [write("changed", "2")] });
    await compact(head);
    await store.txn({ del: ["gone"], put: [write("changed", "3")] });
    assert.deepEqual(
      (await store.list("")).items.map(({ key, value }) => `${key}=${utf8.text(value)}`),
      ["changed=3", "kept=1"],
    );
  });

  check("a watch from a revision that never was answers resync", async ({ store }) => {
    const head = await store.txn({ put: [write("a", "1")] });
    const watch = iterate(store, "", (head + 1000) as Rev);
    assert.deepEqual(await next(watch), ["resync", head]);
    await watch.stop();
  });

  check("an aborted watch ends, waiting or not", async ({ store }) => {
    const abort = new AbortController();
    const seen: WatchEvent[] = [];
    const ended = (async () => {
      for await (const event of store.watch("", beginning, { signal: abort.signal })) seen.push(event);
    })();
    await store.txn({ put: [write("a", "1")] });
    abort.abort();
    await ended;
    for await (const event of store.watch("", beginning, { signal: abort.signal })) seen.push(event);
    assert.ok(seen.length <= 1);
  });
}

function leasing(check: Check): void {
  check("the keys of a lease vanish together when it is not renewed", async ({ store, passMs }) => {
    const lease = await store.lease(5000);
    assert.ok(lease.ttlMs >= 5000);
    const start = await store.txn({ put: [write("l.a", "1"), write("l.b", "1")], lease });
    await store.txn({ put: [write("l.c", "1")] });
    const watch = iterate(store, "l", start);
    await next(watch);
    await passMs(lease.ttlMs * 0.6);
    await lease.renew();
    await passMs(lease.ttlMs * 0.6);
    assert.equal((await store.list("l")).items.length, 3);
    await passMs(lease.ttlMs * 2);
    const [, changes] = await next(watch);
    assert.deepEqual(changes, ["l.a=-", "l.b=-"]);
    assert.deepEqual(
      (await store.list("l")).items.map(({ key }) => key),
      ["l.c"],
    );
    await refused(lease.renew(), "conflict");
    await refused(store.txn({ put: [write("l.d", "1")], lease }), "conflict");
    await watch.stop();
  });

  check("a revoked lease takes its keys at once", async ({ store }) => {
    const lease = await store.lease(60_000);
    await store.txn({ put: [write("a", "1")], lease });
    await lease.revoke();
    assert.equal(await store.get("a"), null);
    await lease.revoke();
    await refused(lease.renew(), "conflict");
  });

  check("a key written again without the lease, or with another, leaves the first", async ({ store }) => {
    const [one, two] = [await store.lease(60_000), await store.lease(60_000)];
    await store.txn({ put: [write("a", "1"), write("b", "1"), write("c", "1")], lease: one });
    await store.txn({ put: [write("a", "2")] });
    await store.txn({ put: [write("b", "2")], lease: two });
    await one.revoke();
    assert.deepEqual(
      (await store.list("")).items.map(({ key }) => key),
      ["a", "b"],
    );
    await two.revoke();
    assert.deepEqual(
      (await store.list("")).items.map(({ key }) => key),
      ["a"],
    );
  });

  check("an impossible time to live is refused", async ({ store }) => {
    for (const ttlMs of [0, -1, Number.NaN, Infinity]) await assert.rejects(store.lease(ttlMs), RangeError);
  });
}

function restarting(check: Check): void {
  check("a restart keeps values, revisions and the history that a watch resumes from", async (subject) => {
    if (subject.restart === undefined) return;
    const before = await subject.store.txn({ put: [write("a", "1")] });
    const after = await subject.store.txn({ put: [write("a", "2")], token: "last" });
    await subject.restart();
    assert.deepEqual(await read(subject.store, "a"), ["2", after]);
    const watch = iterate(subject.store, "", before);
    assert.deepEqual(await next(watch), [after, ["a=2"]]);
    assert.deepEqual(await subject.store.settle("last", before), { outcome: "applied", rev: after });
    const rev = await subject.store.txn({ expect: [{ key: "a", rev: after }], put: [write("a", "3")] });
    assert.ok(rev > after);
    assert.deepEqual(await next(watch), [rev, ["a=3"]]);
    await watch.stop();
  });

  check("a lease survives a restart for a whole time to live, then ends", async (subject) => {
    if (subject.restart === undefined) return;
    const lease = await subject.store.lease(5000);
    await subject.store.txn({ put: [write("a", "1")], lease });
    await subject.passMs(lease.ttlMs * 0.6);
    await subject.restart();
    await subject.passMs(lease.ttlMs * 0.6);
    assert.notEqual(await subject.store.get("a"), null);
    await subject.passMs(lease.ttlMs * 2);
    assert.equal(await subject.store.get("a"), null);
  });

  check("a restart ends watches with an error, never silently", async (subject) => {
    if (subject.restart === undefined) return;
    const { store } = subject;
    const watch = iterate(store, "", (await store.list("")).rev);
    const ended = refused(next(watch), "closed");
    await subject.restart();
    await ended;
    await refused(store.get("a"), "closed");
    await refused(store.txn({ put: [write("a", "1")] }), "closed");
  });
}

function write(key: string, text: string): { key: string; value: Uint8Array } {
  return { key, value: utf8.of(text) };
}

async function read(store: StateStore, key: string): Promise<[string | undefined, Rev | undefined]> {
  const item = await store.get(key);
  return [utf8.text(item?.value), item?.rev];
}

async function refused(call: Promise<unknown>, code: EngineErrorCode): Promise<void> {
  await assert.rejects(call, (error: unknown) => isEngineError(error, code), `wanted a refusal with code ${code}`);
}

interface Watching {
  readonly iterator: AsyncIterator<WatchEvent>;
  stop(): Promise<void>;
}

function iterate(store: StateStore, prefix: string, from: Rev): Watching {
  const abort = new AbortController();
  const iterator = store.watch(prefix, from, { signal: abort.signal })[Symbol.asyncIterator]();
  return {
    iterator,
    async stop() {
      abort.abort();
      await iterator.return?.();
    },
  };
}

async function next({ iterator }: Watching): Promise<[Rev, string[]] | ["resync", Rev]> {
  const { value, done } = await iterator.next();
  assert.notEqual(done, true, "the watch ended");
  const event = value as WatchEvent;
  if (event.resync) return ["resync", event.rev];
  return [event.rev, event.changes.map(({ key, value }) => `${key}=${utf8.text(value) ?? "-"}`)];
}
