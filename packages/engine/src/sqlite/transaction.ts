import type { SqlDatabase } from "./database.ts";

/** BEGIN IMMEDIATE … COMMIT around the work; a failed rollback never hides the failure before it. */
export function inTransaction<T>(database: Pick<SqlDatabase, "exec">, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    try {
      database.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back by itself (disk full, I/O error): nothing is open any more.
    }
    throw error;
  }
}
