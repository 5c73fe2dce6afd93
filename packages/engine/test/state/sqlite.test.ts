import assert from "node:assert/strict";
import fc from "fast-check";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  beginning,
  isEngineError,
  ManualClock,
  MemoryStateStore,
  openSqliteState,
  type Rev,
  stateLimits,
} from "../../src/index.ts";
import { openOwned } from "../../src/sqlite/open.ts";
import { SqliteStateStore } from "../../src/state/sqlite.ts";
import { stateSchema } from "../../src/state/sqlite-schema.ts";
import { scratch } from "../scratch.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("a full disk fails the whole group with unavailable, leaves the old state, and writing goes on when there is room", async () => {
  const path = join(scratch(), "state.db");
  const database = openOwned({ path, schema: stateSchema, synchronous: "FULL" });
  const store = new SqliteStateStore(database, { path });
  const before = await store.txn({ put: [{ key: "a", value: bytes("old") }] });
  database.exec(`PRAGMA max_page_count = ${statSync(path).size / 4096 + 4}`);
  const ended = await Promise.allSettled([
    store.txn({ put: [{ key: "a", value: bytes("new") }], token: "first" }),
    store.txn({ put: [{ key: "b", value: new Uint8Array(stateLimits.valueBytes) }] }),
  ]);
  for (const end of ended)
    assert.ok(
      end.status === "rejected" && isEngineError(end.reason, "unavailable") && /space/.test(end.reason.message),
    );
  expect((await store.get("a"))?.rev).toBe(before);
  expect(await store.settle("first", before)).toEqual({ outcome: "not-applied" });
  database.exec("PRAGMA max_page_count = 1000000");
  const after = await store.txn({ put: [{ key: "a", value: bytes("new") }] });
  expect(after).toBe(before + 1);
  await store.close();
});

test("a lease that a full disk did not let go of ends when its time is over", async () => {
  const path = join(scratch(), "state.db");
  const clock = new ManualClock();
  const database = openOwned({ path, schema: stateSchema, synchronous: "FULL" });
  const store = new SqliteStateStore(database, { path, clock });
  const lease = await store.lease(60_000);
  const keys = Array.from({ length: 128 }, (_, index) => `${"k".repeat(500)}.${index}`);
  await store.txn({ put: keys.map((key) => ({ key, value: bytes("1") })), lease });
  database.exec(
    `PRAGMA max_page_count = ${database.prepare("PRAGMA page_count").get<{ page_count: number }>()?.page_count}`,
  );
  await assert.rejects(lease.revoke(), (error) => isEngineError(error, "unavailable"));
  expect((await store.list("")).items).toHaveLength(keys.length);
  database.exec("PRAGMA max_page_count = 1000000");
  clock.advance(60_000);
  // Asked behind the expiry, so answered after it.
  await store.txn({ put: [{ key: "after", value: bytes("1") }] });
  expect((await store.list("")).items.map(({ key }) => key)).toEqual(["after"]);
  await lease.revoke();
  await store.close();
  expect(clock.pending).toBe(0);
});

test("history stays within its bounds, and the file with it", async () => {
  const path = join(scratch(), "state.db");
  const clock = new ManualClock();
  const store = openSqliteState({ path, clock, history: { revisions: 100, ageMs: 1_000_000, bytes: 1_000_000 } });
  await store.txn({ put: [{ key: "kept", value: bytes("since the beginning") }] });
  for (let round = 0; round < 3000; round += 1)
    await store.txn({ put: [{ key: `k.${round % 10}`, value: new Uint8Array(10_000) }] });
  const { items, rev } = await store.list("");
  expect(items.length).toBe(11);
  const seen: Rev[] = [];
  for await (const event of store.watch("", (rev - 50) as Rev)) {
    expect(event.resync).toBe(false);
    seen.push(event.rev);
    if (event.rev === rev) break;
  }
  expect(seen.length).toBe(50);
  for await (const event of store.watch("", beginning)) {
    expect(event.resync).toBe(true);
    break;
  }
  await store.close();
  expect(statSync(path).size).toBeLessThan(8_000_000);
});

test("any key that is well formed can be stored and found, any other is refused", async () => {
  const store = openSqliteState({ path: join(scratch(), "state.db") });
  const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
  const wellFormed = fc.array(token, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join("."));
  await fc.assert(
    fc.asyncProperty(wellFormed, fc.uint8Array({ maxLength: 300 }), async (key, value) => {
      const rev = await store.txn({ put: [{ key, value }] });
      expect(await store.get(key)).toEqual({ key, value, rev });
      expect((await store.list(key.split(".")[0] ?? "")).items.some((item) => item.key === key)).toBe(true);
    }),
    { numRuns: 100 },
  );
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", maxLength: 20 }), async (key) => {
      const isWellFormed = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(key);
      if (!isWellFormed) await assert.rejects(store.get(key), (error: unknown) => isEngineError(error, "bad-key"));
    }),
  );
  await store.close();
});

describe("the memory store's failures", () => {
  test("an unknown outcome is settled by its token, applied or not", async () => {
    const faults = ["unknown-applied", "unknown-lost", "unavailable", undefined] as const;
    let next = 0;
    const store = new MemoryStateStore({ fault: () => faults[next++] });
    const put = [{ key: "a", value: bytes("1") }];
    const failure = async (): Promise<{ code: string; token: string | undefined }> =>
      store.txn({ put }).then(
        () => ({ code: "none", token: undefined }),
        (error: unknown) =>
          isEngineError(error) ? { code: error.code, token: error.token } : Promise.reject(error as Error),
      );
    const applied = await failure();
    expect(applied.code).toBe("unknown");
    expect(await store.settle(applied.token ?? "", beginning)).toEqual({ outcome: "applied", rev: 1 });
    const lost = await failure();
    expect(lost.code).toBe("unknown");
    expect(await store.settle(lost.token ?? "", beginning)).toEqual({ outcome: "not-applied" });
    expect((await failure()).code).toBe("unavailable");
    expect((await failure()).code).toBe("none");
    await store.compact((await store.list("")).rev);
    expect(await store.settle(lost.token ?? "", beginning)).toEqual({ outcome: "forgotten" });
  });
});
