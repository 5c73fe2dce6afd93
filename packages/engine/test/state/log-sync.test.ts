import assert from "node:assert/strict";
import { renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isEngineError, openSqliteState } from "../../src/index.ts";
import { LogSync } from "../../src/state/log-sync.ts";
import { scratch } from "../scratch.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("whoever asks is answered by a sync that began after the question", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { minLength: 1, maxLength: 30 }), async (turns) => {
      const path = join(scratch(), "db");
      writeFileSync(`${path}-wal`, "frames");
      const sync = new LogSync(path);
      const calls: Promise<void>[] = [];
      for (const wait of turns) {
        for (let turn = 0; turn < wait; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        calls.push(sync.sync());
      }
      await Promise.all(calls);
      await sync.idle();
      sync.close();
    }),
    { numRuns: 20 },
  );
});

test("calls during a sync share one more", async () => {
  const path = join(scratch(), "db");
  writeFileSync(`${path}-wal`, "frames");
  const sync = new LogSync(path);
  const first = sync.sync();
  const second = sync.sync();
  expect(second).not.toBe(first);
  expect(sync.sync()).toBe(second);
  await Promise.all([first, second]);
  sync.close();
});

test("what is only visible is read and watched at once, and goes to the disk with the next durable write", async () => {
  const path = join(scratch(), "state.db");
  const store = openSqliteState({ path });
  const rev = await store.txn({ put: [{ key: "a", value: bytes("1") }] }, { acknowledge: "visible" });
  expect((await store.get("a"))?.rev).toBe(rev);
  expect(await store.txn({ put: [{ key: "b", value: bytes("2") }] })).toBe(rev + 1);
  await store.close();
  const again = openSqliteState({ path });
  expect((await again.list("")).items.map(({ key }) => key)).toEqual(["a", "b"]);
  await again.close();
});

test("a disk that fails to keep a write makes it unknown, and the store writes nothing more", async () => {
  const folder = scratch();
  const path = join(folder, "state.db");
  const store = openSqliteState({ path });
  // SQLite goes on writing into its open log; what stands in its place is something that no sync can be asked of.
  renameSync(`${path}-wal`, `${path}-wal.open`);
  symlinkSync("/dev/null", `${path}-wal`);
  await assert.rejects(store.txn({ put: [{ key: "a", value: bytes("1") }], token: "lost" }), (error) =>
    isEngineError(error, "unknown"),
  );
  await assert.rejects(store.txn({ put: [{ key: "b", value: bytes("2") }] }), (error) =>
    isEngineError(error, "unavailable"),
  );
  await assert.rejects(store.settle("lost", 0 as never), (error) => isEngineError(error, "unavailable"));
  expect(await store.get("b")).toBeNull();
  // What was committed is there to be read, under its revision.
  const { items, rev } = await store.list("");
  expect(items.map((item) => item.rev)).toEqual([rev]);
  await store.close();
});
