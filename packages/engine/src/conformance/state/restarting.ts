import assert from "node:assert/strict";
import { write, read, refused } from "./steps.ts";
import { iterate, next } from "./watch-steps.ts";
import type { Check } from "./subject.ts";

/** What survives a restart, and what is closed. */
export function restarting(check: Check): void {
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
