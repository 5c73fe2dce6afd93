import assert from "node:assert/strict";
import { beginning, type Rev, type WatchEvent } from "../../state/store.ts";
import { utf8 } from "../runner.ts";
import { write } from "./steps.ts";
import { iterate, next } from "./watch-steps.ts";
import type { Check } from "./subject.ts";

/** Watches: order, resumption, compaction, ends. */
export function watching(check: Check): void {
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

  check("what one watch does to its bytes no other sees", async ({ store }) => {
    let start = await store.txn({ put: [write("b", "1")] });
    for (const value of [utf8.of("first"), Buffer.from("first")]) {
      const watches = [iterate(store, "a", start), iterate(store, "a", start)];
      start = await store.txn({ put: [{ key: "a", value }] });
      for (const watch of watches) {
        const { value: event } = (await watch.iterator.next()) as { value: WatchEvent };
        assert.equal(event.resync, false);
        if (event.resync) continue;
        assert.equal(utf8.text(event.changes[0]?.value), "first");
        event.changes[0]?.value?.fill(0);
      }
      await Promise.all(watches.map((watch) => watch.stop()));
      assert.equal(utf8.text((await store.get("a"))?.value), "first");
    }
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
