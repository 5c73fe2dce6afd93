import assert from "node:assert/strict";
import { write, refused } from "./steps.ts";
import { iterate, next } from "./watch-steps.ts";
import type { Check } from "./subject.ts";

/** Leases: what they hold goes with them. */
export function leasing(check: Check): void {
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
