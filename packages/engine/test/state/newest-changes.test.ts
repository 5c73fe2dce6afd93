import fc from "fast-check";
import { expect, test } from "vitest";
import { openSqliteState } from "../../src/index.ts";
import { absent, NewestChanges } from "../../src/state/newest-changes.ts";
import { scratch } from "../scratch.ts";

const key = fc.constantFrom("a", "b", "c", "d");
const step = fc.oneof(
  fc.record({ type: fc.constant("put"), key }),
  fc.record({ type: fc.constant("delete"), key }),
  fc.record({ type: fc.constant("learn") }),
  fc.record({ type: fc.constant("forget") }),
);

test("what is known is right, and after all keys were read nothing is unknown", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const file = new Map<string, number>();
      const newest = new NewestChanges();
      let isWhole = false;
      for (const [index, each] of steps.entries()) {
        if (each.type === "learn") newest.learn([...file].map(([name, id]) => ({ name, id })));
        else if (each.type === "forget") newest.forget();
        else if (each.type === "put") {
          file.set(each.key, index + 1);
          newest.set(each.key, index + 1);
        } else {
          file.delete(each.key);
          newest.set(each.key, absent);
        }
        isWhole = each.type === "learn" || (isWhole && each.type !== "forget");
        for (const name of ["a", "b", "c", "d"]) {
          const known = newest.get(name);
          if (isWhole || known !== undefined) expect(known).toBe(file.get(name) ?? absent);
        }
      }
    }),
  );
});

test("more keys than are remembered are asked for again", () => {
  const newest = new NewestChanges();
  newest.learn([]);
  for (let id = 1; id <= 20_001; id += 1) newest.set(`k.${id}`, id);
  expect(newest.get("k.1")).toBeUndefined();
  expect(newest.get("k.20001")).toBe(20_001);
  newest.learn(Array.from({ length: 20_001 }, (_, index) => ({ name: `k.${index}`, id: index + 1 })));
  expect(newest.get("k.20001")).toBeUndefined();
});

test("a store that has listed everything still refuses what does not fit, and takes what was refused before", async () => {
  const store = openSqliteState({ path: `${scratch()}/state.db` });
  const value = new Uint8Array([1]);
  const { rev } = await store.list("");
  const first = await store.txn({ expect: [{ key: "a", rev: 0 }], put: [{ key: "a", value }] });
  await expect(store.txn({ expect: [{ key: "a", rev: 0 }], put: [{ key: "a", value }] })).rejects.toMatchObject({
    code: "conflict",
  });
  await expect(store.txn({ expect: [{ key: "b", rev: first }], put: [{ key: "b", value }] })).rejects.toMatchObject({
    code: "conflict",
  });
  await store.txn({ expect: [{ key: "a", rev: first }], del: ["a", "never"] });
  const again = await store.txn({ expect: [{ key: "a", rev: 0 }], put: [{ key: "a", value }] });
  expect([rev, first, again]).toEqual([0, 1, 3]);
  await store.close();
});
