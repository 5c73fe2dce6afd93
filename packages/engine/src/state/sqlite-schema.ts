import type { Schema } from "../sqlite/migrate.ts";

/** A change's row id is its revision times this plus its place in the transaction, so that one index serves both. */
export const changesPerRev = 4096;

/**
 * The state file. Every change carries a check sum, because SQLite does not notice flipped bits. Current values live
 * in `changes` too: `keys` points at the newest change of each key.
 */
export const stateSchema: Schema = {
  name: "state file",
  applicationId: 0x43_53_54_53,
  migrations: [
    {
      to: 1,
      up: (database) =>
        database.exec(`
          CREATE TABLE txns (rev INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, token TEXT NOT NULL) STRICT;
          CREATE TABLE changes (id INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB, sum INTEGER NOT NULL) STRICT;
          CREATE TABLE keys (key TEXT PRIMARY KEY, change_id INTEGER NOT NULL, lease_id INTEGER) STRICT, WITHOUT ROWID;
          CREATE INDEX keys_of_lease ON keys (lease_id) WHERE lease_id IS NOT NULL;
          CREATE TABLE leases (id INTEGER PRIMARY KEY AUTOINCREMENT, ttl_ms INTEGER NOT NULL) STRICT;
          CREATE TABLE bounds (name TEXT PRIMARY KEY, rev INTEGER NOT NULL) STRICT, WITHOUT ROWID;
          INSERT INTO bounds VALUES ('compacted', 0);
        `),
    },
  ],
};
