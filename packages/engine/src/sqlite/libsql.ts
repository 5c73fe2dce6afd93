import { closeSync, openSync, readSync } from "node:fs";
import { createRequire } from "node:module";
import { type SqlDatabase, type SqlDriver, SqlFailure, type SqlValue } from "./database.ts";
import { transactions } from "./transaction.ts";

interface LibsqlStatement {
  run(values: SqlValue[]): unknown;
  get(values: SqlValue[]): Record<string, unknown> | undefined;
  all(values: SqlValue[]): Record<string, unknown>[];
}

interface LibsqlDatabase {
  exec(sql: string): void;
  prepare(sql: string): LibsqlStatement;
  close(): void;
}

type Libsql = new (path: string) => LibsqlDatabase;

/** The `libsql` package with its prebuilt binary, or the reason why it cannot be loaded. */
export function libsqlDriver(): SqlDriver | { readonly missing: unknown } {
  let Database: Libsql;
  try {
    Database = withShortReport(() => createRequire(import.meta.url)("libsql") as Libsql);
  } catch (error) {
    return { missing: error };
  }
  return { name: "libsql", open: (path) => wrap(attempt(() => new Database(path))) };
}

// To learn which C library it runs on, libsql has Node write a diagnostic report of everything: 13 ms and 1.5 MB of a
// start. While it is loaded it gets the one line that it looks for.
function withShortReport<T>(load: () => T): T {
  const { report } = process;
  const getReport = report.getReport.bind(report);
  report.getReport = () => ({ header: runsOnMusl() ? {} : { glibcVersionRuntime: "glibc" } });
  try {
    return load();
  } finally {
    report.getReport = getReport;
  }
}

/** The program that the kernel starts Node with is named near its beginning (elf(5), PT_INTERP). */
function runsOnMusl(): boolean {
  const head = Buffer.alloc(4096);
  const file = openSync(process.execPath, "r");
  try {
    return head.subarray(0, readSync(file, head, 0, head.length, 0)).includes("ld-musl");
  } finally {
    closeSync(file);
  }
}

function wrap(database: LibsqlDatabase): SqlDatabase {
  const wrapped: SqlDatabase = {
    exec: (sql) => attempt(() => database.exec(sql)),
    prepare(sql) {
      const statement = attempt(() => database.prepare(sql));
      return {
        run(...values) {
          // Without `attempt`: what is run most often makes no function for it.
          try {
            statement.run(values);
          } catch (error) {
            throw asFailure(error);
          }
        },
        get: (...values) => {
          const row = attempt(() => statement.get(values));
          return (row === undefined ? undefined : withUint8Arrays(row)) as never;
        },
        all: (...values) => attempt(() => statement.all(values)).map((row) => withUint8Arrays(row) as never),
      };
    },
    transaction: (work) => transaction(work),
    close() {
      releaseLock(database);
      attempt(() => database.close());
    },
  };
  const transaction = transactions(wrapped);
  return wrapped;
}

// libsql finalizes statements only when they are garbage collected, and SQLite keeps a connection with statements,
// and its lock, until then. Leaving WAL and exclusive mode gives the lock back at once.
function releaseLock(database: LibsqlDatabase): void {
  try {
    database.exec("PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL; SELECT count(*) FROM sqlite_schema");
  } catch {
    // A damaged or full file: the lock goes with the process.
  }
}

// libsql hands out blobs as Buffer (get) or ArrayBuffer (all).
function withUint8Arrays(row: Record<string, unknown>): Record<string, unknown> {
  for (const column in row) {
    const value = row[column];
    if (value instanceof ArrayBuffer) row[column] = new Uint8Array(value);
    else if (Buffer.isBuffer(value)) row[column] = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return row;
}

function attempt<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw asFailure(error);
  }
}

function asFailure(error: unknown): unknown {
  const { message, rawCode } = error as { message: string; rawCode?: number };
  return typeof rawCode === "number" ? new SqlFailure(message, rawCode, error) : error;
}
