import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "vitest";
import { ManualClock, MemoryStateStore, openSqliteState, type OwnedStateStore } from "../../src/index.ts";
import { type StateSubject, stateConformance } from "../../src/conformance/index.ts";
import { nodeSqliteDriver } from "../../src/sqlite/node-sqlite.ts";
import type { SqlDriver } from "../../src/sqlite/database.ts";
import { namesIn, scratch } from "../scratch.ts";

function subject(clock: ManualClock, store: OwnedStateStore): StateSubject {
  return {
    store,
    passMs: async (ms) => clock.advance(ms),
    compact: (upTo) => store.compact(upTo),
    async close() {
      await store.close();
      assert.equal(clock.pending, 0, "alarms were left set");
    },
  };
}

async function overSqlite(driver: SqlDriver["name"]): Promise<StateSubject> {
  const directory = scratch();
  const clock = new ManualClock();
  const open = (): OwnedStateStore => openSqliteState({ path: join(directory, "state.db"), clock, driver });
  let store = open();
  return {
    get store() {
      return store;
    },
    passMs: async (ms) => {
      clock.advance(ms);
      await Promise.resolve();
    },
    compact: (upTo) => store.compact(upTo),
    async restart() {
      await store.close();
      store = open();
    },
    async close() {
      await store.close();
      assert.equal(clock.pending, 0, "alarms were left set");
      assert.deepEqual(namesIn(directory), ["state.db"], "files were left");
    },
  };
}

describe("memory", () => {
  stateConformance({ test }, async () => {
    const clock = new ManualClock();
    return subject(clock, new MemoryStateStore({ clock }));
  });
});

describe("sqlite over libsql", () => {
  stateConformance({ test }, () => overSqlite("libsql"));
});

describe.skipIf(nodeSqliteDriver() === undefined)("sqlite over node:sqlite", () => {
  stateConformance({ test }, () => overSqlite("node:sqlite"));
});
