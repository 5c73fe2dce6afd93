import assert from "node:assert/strict";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isEngineError, openSqliteState } from "../../src/index.ts";
import type { Schema } from "../../src/sqlite/migrate.ts";
import { openOwned } from "../../src/sqlite/open.ts";
import { stateSchema } from "../../src/state/sqlite-schema.ts";
import { namesIn, scratch } from "../scratch.ts";

/** The state file as a later version may have it. */
const nextSchema: Schema = {
  ...stateSchema,
  migrations: [
    ...stateSchema.migrations,
    {
      to: 2,
      up: (database) => database.exec("ALTER TABLE keys ADD COLUMN note TEXT; UPDATE keys SET note = 'from ' || key"),
    },
  ],
};

async function madeFile(): Promise<{ directory: string; path: string }> {
  const directory = scratch();
  const path = join(directory, "state.db");
  const store = openSqliteState({ path });
  await store.txn({ put: [{ key: "a", value: new Uint8Array(3) }] });
  await store.close();
  return { directory, path };
}

test("a file of the version before is brought forward, and a copy of it is kept", async () => {
  const { directory, path } = await madeFile();
  const database = openOwned({ path, schema: nextSchema, synchronous: "FULL" });
  expect(database.prepare("SELECT note FROM keys").get<{ note: string }>()?.note).toBe("from a");
  database.close();
  expect(namesIn(directory)).toEqual(["state.db", "state.db.v1.bak"]);
  const copy = openSqliteState({ path: `${path}.v1.bak` });
  expect((await copy.get("a"))?.value.byteLength).toBe(3);
  await copy.close();
  const again = openOwned({ path, schema: nextSchema, synchronous: "FULL" });
  again.close();
});

test("a file of a newer version is refused and left alone", async () => {
  const { path } = await madeFile();
  openOwned({ path, schema: nextSchema, synchronous: "FULL" }).close();
  await assert.rejects(
    async () => openSqliteState({ path }),
    (error: unknown) => isEngineError(error, "schema-newer") && /version 2.*up to 1/.test(error.message),
  );
  openOwned({ path, schema: nextSchema, synchronous: "FULL" }).close();
});

test("a migration that fails leaves the version before", async () => {
  const { path } = await madeFile();
  const broken: Schema = {
    ...stateSchema,
    migrations: [
      ...stateSchema.migrations,
      {
        to: 2,
        up: (database) => {
          database.exec("DELETE FROM keys");
          throw new Error("no good");
        },
      },
    ],
  };
  expect(() => openOwned({ path, schema: broken, synchronous: "FULL" })).toThrow("no good");
  const store = openSqliteState({ path });
  expect((await store.get("a"))?.value.byteLength).toBe(3);
  await store.close();
});
