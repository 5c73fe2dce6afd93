import { parseApp } from "@constellation/contract";
import { MemoryStateStore, type StateFault } from "@constellation/engine";
import { afterEach, describe, expect, test } from "vitest";
import { Repository } from "../../src/state/index.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A repository over a store in memory. */
async function repository(store = new MemoryStateStore()) {
  const followed = new AbortController();
  const state = new Repository(store);
  await state.mirror.load(followed.signal);
  const following = state.mirror.follow(followed.signal);
  closing.push(async () => {
    followed.abort();
    await following;
  });
  return state;
}

const app = { mode: "running", erase: false, instances: 3, revision: 1, source: null, updatedAt: 5 } as const;
const spec = parseApp({ name: "web", command: ["server"] });

describe("the repository", () => {
  test("shows a write as soon as it is done, and to the next reader of the store", async () => {
    const store = new MemoryStateStore();
    const state = await repository(store);
    const edit = state.edit().put({ kind: "app", app: "web" }, app);
    await state.write(edit.put({ kind: "revision", app: "web", revision: 1 }, { spec, restarts: 0 }));
    expect(state.mirror.apps.get("web")?.record).toEqual(app);
    const next = await repository(store);
    expect(next.revision("web", 1)?.spec).toEqual(spec);
  });

  test("tells every change once, by key", async () => {
    const state = await repository();
    const seen: string[] = [];
    state.mirror.onChange((keys) => seen.push(...keys.map(({ kind }) => kind)));
    await state.write(state.edit().put({ kind: "app", app: "web" }, app));
    await state.write(state.edit().delete({ kind: "app", app: "web" }));
    expect(seen).toEqual(["app", "app"]);
    expect(state.mirror.apps.size).toBe(0);
  });

  test("refuses to overwrite what was changed after it was read", async () => {
    const state = await repository();
    const first = state.edit().put({ kind: "app", app: "web" }, app);
    const second = state.edit().put({ kind: "app", app: "web" }, { ...app, instances: 9 });
    await state.write(first);
    await expect(state.write(second)).rejects.toMatchObject({ code: "state.conflict" });
    expect(state.mirror.apps.get("web")?.record.instances).toBe(3);
  });

  test.each([["unavailable"], ["unknown-applied"], ["unknown-lost"]] as const)(
    "a write survives a store that is %s for a moment",
    async (fault) => {
      const faults: StateFault[] = [fault];
      const state = await repository(new MemoryStateStore({ fault: () => faults.pop() }));
      await state.write(state.edit().put({ kind: "app", app: "web" }, app));
      expect(state.mirror.apps.get("web")?.record).toEqual(app);
    },
  );

  test("a write that is wanted no longer is not tried again", async () => {
    let asked = 0;
    const wanted = new AbortController();
    const state = await repository(
      new MemoryStateStore({
        fault: () => {
          asked += 1;
          if (asked === 2) setImmediate(() => wanted.abort());
          return "unavailable";
        },
      }),
    );
    const write = (): Promise<void> => {
      const edit = state.edit().put({ kind: "app", app: "web" }, app);
      return state.write(edit, { signal: wanted.signal });
    };
    await expect(write()).rejects.toMatchObject({ code: "state.unavailable" });
    expect(asked).toBe(2);
    await expect(write()).rejects.toMatchObject({ code: "state.unavailable" });
    expect(asked).toBe(2);
  });

  test("the first writes of a turn go at once, those that come with them go together when the turn is over", async () => {
    const store = new MemoryStateStore();
    const state = await repository(store);
    const asked: string[] = [];
    const txn = store.txn.bind(store);
    store.txn = (wanted, options) => {
      asked.push(...(wanted.put ?? []).map(({ key }) => key));
      return txn(wanted, options);
    };
    const names = ["a", "b", "c", "d"];
    const writes = names.map((name) => state.write(state.edit().put({ kind: "app", app: name }, app)));
    for (let microtask = 0; microtask < 50; microtask += 1) await Promise.resolve();
    expect(asked).toEqual(["app.a", "app.b"]);
    await Promise.all(writes);
    expect(asked).toEqual(names.map((name) => `app.${name}`));
    await state.write(state.edit().put({ kind: "app", app: "e" }, app));
    expect([...state.mirror.apps.keys()]).toEqual([...names, "e"]);
  });

  test("does not read what it has written itself, and reads what others write meanwhile", async () => {
    const store = new MemoryStateStore();
    const state = await repository(store);
    const key = { kind: "app", app: "web" } as const;
    await state.write(state.edit().put(key, app));
    expect(state.mirror.apps.get("web")?.record).toBe(app);
    const other = await repository(store);
    const change = { ...app, instances: 8 };
    const writing = other.write(other.edit().put(key, change));
    await expect(state.write(state.edit().put(key, { ...app, instances: 9 }))).rejects.toMatchObject({
      code: "state.conflict",
    });
    await writing;
    for (const { mirror } of [state, other]) await mirror.reached(other.mirror.rev, AbortSignal.timeout(1000));
    expect(state.mirror.apps.get("web")?.record).toEqual(change);
  });

  test("writes more than one transaction can hold", async () => {
    const state = await repository();
    const edit = state.edit();
    const allocation = { node: "local", revision: 1, wish: { kind: "run" }, tries: 0 } as const;
    for (let index = 1; index <= 250; index += 1) edit.put({ kind: "alloc", app: "web", index }, allocation);
    await state.write(edit);
    expect(state.mirror.allocations.get("web")?.size).toBe(250);
  });

  test("says which spec is too large to be kept", async () => {
    const state = await repository();
    const words = Array.from({ length: 6 }, () => "x".repeat(100_000));
    const large = parseApp({ name: "web", command: ["server", ...words] });
    const write = (): unknown =>
      state.edit().put({ kind: "revision", app: "web", revision: 1 }, { spec: large, restarts: 0 });
    expect(write).toThrow("Cannot keep revision.web.1: it has 6");
  });
});

describe("damaged state", () => {
  const damaged = async (value: string) => {
    const store = new MemoryStateStore();
    await store.txn({ put: [{ key: "app.web", value: new TextEncoder().encode(value) }] });
    return repository(store);
  };
  test.each([
    ["garbage", "Cannot read app.web from the state"],
    ['{"record":{}}', "it has no schema version"],
    ['{"schema":1,"record":{"mode":"flying"}}', "mode: "],
    ['{"schema":2,"record":{}}', "it has schema 2, this version of Constellation knows up to 1"],
  ])("%s is named and nothing is guessed", async (value, message) => {
    await expect(damaged(value)).rejects.toThrow(message);
  });
  test("of keys that are not ours is left alone", async () => {
    const store = new MemoryStateStore();
    await store.txn({ put: [{ key: "mesh.route.web.deep", value: new Uint8Array([1]) }] });
    expect((await repository(store)).mirror.apps.size).toBe(0);
  });
});
