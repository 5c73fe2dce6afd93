/** What SQLite stores for us. Whole numbers must stay below 2^53. */
export type SqlValue = null | number | string | Uint8Array;

/** A prepared statement; rows are objects by column name, blobs are `Uint8Array`. */
export interface SqlStatement {
  run(...values: SqlValue[]): void;
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- only the SQL knows the row's shape
  get<Row>(...values: SqlValue[]): Row | undefined;
  all<Row>(...values: SqlValue[]): Row[];
}

/** One open SQLite file: the few calls that both drivers share. Every call is synchronous. @throws SqlFailure */
export interface SqlDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqlStatement;
  /** Runs the function between BEGIN IMMEDIATE and COMMIT; rolls back and rethrows when it throws. */
  transaction<T>(work: () => T): T;
  close(): void;
}

/** How a SQLite file is opened on this Node. */
export interface SqlDriver {
  readonly name: "node:sqlite" | "libsql";
  open(path: string): SqlDatabase;
}

/** Primary result codes of SQLite that we act on (https://sqlite.org/rescode.html). */
export const sqlCode = {
  busy: 5,
  locked: 6,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  notADatabase: 26,
} as const;

/** A failed SQLite call with its primary result code, whichever driver ran it. */
export class SqlFailure extends Error {
  override readonly name = "SqlFailure";
  readonly sqlCode: number;

  constructor(message: string, sqlCode: number, cause: unknown) {
    super(message, { cause });
    this.sqlCode = sqlCode & 0xff;
  }
}
