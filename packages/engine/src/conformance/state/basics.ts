import assert from "node:assert/strict";
import { isEngineError } from "../../error.ts";
import { beginning } from "../../state/store.ts";
import { utf8 } from "../runner.ts";
import { write, read } from "./steps.ts";
import type { Check } from "./subject.ts";

/** Reads, writes and conditions. */
export function basics(check: Check): void {
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
    // A Buffer's slice is no copy.
    for (const value of [utf8.of("first"), Buffer.from("first")]) {
      const done = store.txn({ put: [{ key: "a", value }] });
      value.fill(0);
      await done;
      const got = await store.get("a");
      got?.value.fill(0);
      assert.equal(utf8.text((await store.get("a"))?.value), "first");
    }
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
