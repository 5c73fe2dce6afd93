import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { beginning, MemoryStateStore } from "../../src/index.ts";

const value = new Uint8Array([1]);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a watch listens to its signal once, however often it wakes, and no longer than it lasts", async () => {
  const store = new MemoryStateStore();
  const { signal } = new AbortController();
  const seen: number[] = [];
  await store.txn({ put: [{ key: "a", value }] });
  for await (const { rev } of store.watch("", beginning, { signal })) {
    seen.push(rev);
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    if (seen.length === 3) break;
    void turn().then(() => store.txn({ put: [{ key: "a", value }] }));
  }
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
  await store.close();
});
