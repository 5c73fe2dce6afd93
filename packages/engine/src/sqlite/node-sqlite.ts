import { type SqlDatabase, type SqlDriver, SqlFailure, type SqlValue } from "./database.ts";
import { transactions } from "./transaction.ts";

interface NodeStatement {
  run(...values: SqlValue[]): unknown;
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
}

interface NodeDatabase {
  exec(sql: string): void;
  prepare(sql: string): NodeStatement;
  close(): void;
}

interface NodeSqlite {
  DatabaseSync: new (path: string) => NodeDatabase;
}

/** The SQLite inside Node (22.13 and later, 24), or undefined where this Node has none. */
export function nodeSqliteDriver(): SqlDriver | undefined {
  const sqlite = withoutItsExperimentalWarning(
    () => process.getBuiltinModule("node:sqlite" as "node:fs") as unknown as NodeSqlite | undefined,
  );
  if (sqlite === undefined) return undefined;
  return { name: "node:sqlite", open: (path) => wrap(attempt(() => new sqlite.DatabaseSync(path))) };
}

function wrap(database: NodeDatabase): SqlDatabase {
  const wrapped: SqlDatabase = {
    exec: (sql) => attempt(() => database.exec(sql)),
    prepare(sql) {
      const statement = attempt(() => database.prepare(sql));
      return {
        run: (...values) => void attempt(() => statement.run(...values)),
        get: (...values) => attempt(() => statement.get(...values)) as never,
        all: (...values) => attempt(() => statement.all(...values)) as never,
      };
    },
    transaction: (work) => transaction(work),
    close: () => attempt(() => database.close()),
  };
  const transaction = transactions(wrapped);
  return wrapped;
}

function attempt<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const { message, errcode } = error as { message: string; errcode?: number };
    throw errcode === undefined ? error : new SqlFailure(message, errcode, error);
  }
}

// Node says "SQLite is an experimental feature" when the module is first loaded; our users did not choose it.
// Only that one warning is dropped, and only during the load.
function withoutItsExperimentalWarning<T>(load: () => T): T {
  const { emitWarning } = process as { emitWarning: (...warning: unknown[]) => void };
  const filtered = (warning: string | Error, ...rest: unknown[]): void => {
    const [type] = rest;
    const name = typeof type === "object" && type !== null ? (type as { type?: unknown }).type : type;
    if (name === "ExperimentalWarning" && String(warning).startsWith("SQLite is ")) return;
    emitWarning.call(process, warning, ...rest);
  };
  process.emitWarning = filtered;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
