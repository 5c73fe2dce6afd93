import type { SqlDatabase, SqlStatement } from "./database.ts";

/**
 * BEGIN IMMEDIATE … COMMIT around a piece of work; a failed rollback never hides the failure before it.
 * The statements are prepared once: to read them anew costs as much as a small change.
 */
export function transactions(database: Pick<SqlDatabase, "prepare" | "exec">): SqlDatabase["transaction"] {
  let prepared: { readonly begin: SqlStatement; readonly commit: SqlStatement } | undefined;
  return (work) => {
    prepared ??= { begin: database.prepare("BEGIN IMMEDIATE"), commit: database.prepare("COMMIT") };
    prepared.begin.run();
    try {
      const result = work();
      prepared.commit.run();
      return result;
    } catch (error) {
      try {
        database.exec("ROLLBACK");
      } catch {
        // SQLite has rolled back by itself (disk full, I/O error): nothing is open any more.
      }
      throw error;
    }
  };
}
