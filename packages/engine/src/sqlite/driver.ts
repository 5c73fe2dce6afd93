import { EngineError } from "../error.ts";
import type { SqlDriver } from "./database.ts";
import { libsqlDriver } from "./libsql.ts";
import { nodeSqliteDriver } from "./node-sqlite.ts";

/**
 * The SQLite of this Node: its own when it has one, else the `libsql` package.
 * @throws EngineError `unavailable` naming the remedy when neither is there
 */
export function sqlDriver(only?: SqlDriver["name"]): SqlDriver {
  const own = only === "libsql" ? undefined : nodeSqliteDriver();
  if (own !== undefined) return own;
  const packaged = only === "node:sqlite" ? { missing: undefined } : libsqlDriver();
  if ("open" in packaged) return packaged;
  throw new EngineError(
    "unavailable",
    `Cannot open SQLite: Node ${process.versions.node} has no usable node:sqlite and the optional package libsql is not ` +
      `installed for ${process.platform}-${process.arch}; use Node 22.13 or later, or run "npm install libsql"`,
    { cause: packaged.missing },
  );
}
