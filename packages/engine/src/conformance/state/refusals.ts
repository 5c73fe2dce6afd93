import assert from "node:assert/strict";
import { isEngineError } from "../../error.ts";
import { stateLimits } from "../../state/limits.ts";
import { beginning } from "../../state/store.ts";
import { utf8 } from "../runner.ts";
import { write, read, refused } from "./steps.ts";
import type { Check } from "./subject.ts";

/** What is not taken. */
export function refusals(check: Check): void {
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
