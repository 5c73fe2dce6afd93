import { rmSync } from "node:fs";
import { EngineError } from "../error.ts";
import type { SqlDatabase } from "./database.ts";

/** A step from version `to - 1` to version `to`. Never change a released one; add the next. */
export interface Migration {
  readonly to: number;
  readonly up: (database: SqlDatabase) => void;
}

/** What a SQLite file of ours is: who wrote it (SQLite's `application_id`) and the steps that lead to its newest form. */
export interface Schema {
  readonly name: string;
  readonly applicationId: number;
  readonly migrations: readonly Migration[];
}

/** The version that the schema's last migration leads to. */
export function newestVersion(schema: Schema): number {
  return schema.migrations.at(-1)?.to ?? 0;
}

/**
 * Brings an open file to the newest version, in one transaction; before it changes a file that holds data it
 * keeps a copy beside it, named `<path>.v<version>.bak`.
 * @throws EngineError `schema-newer`, or `corrupt` when the file is another program's
 */
export function migrate(database: SqlDatabase, path: string, schema: Schema): void {
  const version = readPragma(database, "user_version");
  const newest = newestVersion(schema);
  if (version > 0 && readPragma(database, "application_id") !== schema.applicationId) {
    throw new EngineError(
      "corrupt",
      `Cannot open ${path}: it is a SQLite file, but not a ${schema.name} of this program; move it away`,
    );
  }
  if (version > newest) {
    throw new EngineError(
      "schema-newer",
      `Cannot open ${path}: it has schema version ${version}, this program knows up to ${newest}; run the newer version that wrote it`,
    );
  }
  if (version === newest) return;
  if (version > 0) keepCopy(database, `${path}.v${version}.bak`);
  database.transaction(() => {
    for (const step of schema.migrations) {
      if (step.to > version) step.up(database);
    }
    database.exec(`PRAGMA application_id = ${schema.applicationId}; PRAGMA user_version = ${newest}`);
  });
}

function keepCopy(database: SqlDatabase, copy: string): void {
  rmSync(copy, { force: true });
  database.exec(`VACUUM INTO '${copy.replaceAll("'", "''")}'`);
}

function readPragma(database: SqlDatabase, name: "user_version" | "application_id"): number {
  return database.prepare(`PRAGMA ${name}`).get<Record<typeof name, number>>()?.[name] ?? 0;
}
