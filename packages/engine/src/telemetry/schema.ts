import type { Schema } from "../sqlite/migrate.ts";

/**
 * The telemetry file. Events and blocks lie in a pair of tables for each stretch of time (a part), so that the old
 * is dropped as a whole.
 */
export const telemetrySchema: Schema = {
  name: "telemetry file",
  applicationId: 0x43_53_54_54,
  migrations: [
    {
      to: 1,
      up: (database) =>
        database.exec(`
          CREATE TABLE parts (number INTEGER PRIMARY KEY) STRICT;
          CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
          CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
          INSERT INTO counters VALUES ('sequence', 0);
        `),
    },
  ],
};

/** The tables of a part. */
export function partSql(part: number): string {
  return `
    INSERT OR IGNORE INTO parts VALUES (${part});
    CREATE TABLE IF NOT EXISTS events_${part} (
      sequence INTEGER PRIMARY KEY, at_ms REAL NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS blocks_${part} (
      series INTEGER NOT NULL, base_ms INTEGER NOT NULL, points BLOB NOT NULL, PRIMARY KEY (series, base_ms)
    ) STRICT, WITHOUT ROWID;`;
}

/** Drops a part. */
export function dropSql(part: number): string {
  return `DROP TABLE IF EXISTS events_${part}; DROP TABLE IF EXISTS blocks_${part}; DELETE FROM parts WHERE number = ${part};`;
}
