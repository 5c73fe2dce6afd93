import { crc32 } from "node:zlib";
import { sqlCode, type SqlDatabase, SqlFailure } from "../sqlite/database.ts";
import { absent, NewestChanges } from "./newest-changes.ts";
import { changesPerRev } from "./sqlite-schema.ts";
import type { Change, Item, Rev } from "./store.ts";
import type { Revision } from "./watch-hub.ts";

interface ChangeRow {
  readonly id: number;
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly sum: number;
}

interface ItemRow extends ChangeRow {
  /** The key as the table of keys has it. */
  readonly name: string;
  readonly value: Uint8Array;
}

const selectItems =
  "SELECT k.key AS name, c.id, c.key, c.value, c.sum FROM keys k LEFT JOIN changes c ON c.id = k.change_id";

const upsertKey =
  "INSERT INTO keys (key, change_id, lease_id) VALUES (?1, ?2, ?3) " +
  "ON CONFLICT (key) DO UPDATE SET change_id = ?2, lease_id = ?3";

const readRows = 64;

/** The revision that a change's row id belongs to. */
export function revOfChange(id: number): Rev {
  return Math.floor(id / changesPerRev) as Rev;
}

/** The state file's statements, prepared when first needed and kept. */
export class StateRows {
  readonly #database: SqlDatabase;
  readonly #statements = new Map<string, ReturnType<SqlDatabase["prepare"]>>();
  readonly #newest = new NewestChanges();

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  head(): Rev {
    return this.#number("SELECT coalesce(max(rev), 0) AS n FROM txns") as Rev;
  }

  compacted(): Rev {
    return this.#number("SELECT rev AS n FROM bounds WHERE name = 'compacted'") as Rev;
  }

  get(key: string): Item | null {
    const row = this.#sql(`${selectItems} WHERE k.key = ?`).get<ItemRow>(key);
    return row === undefined ? null : itemOf(row);
  }

  list(prefix: string): Item[] {
    if (prefix === "") return this.#all();
    const rows = this.#sql(`${selectItems} WHERE k.key = ?1 OR (k.key > ?2 AND k.key < ?3) ORDER BY k.key`);
    return rows.all<ItemRow>(...below(prefix)).map(itemOf);
  }

  #all(): Item[] {
    const rows = this.#sql(`${selectItems} ORDER BY k.key`).all<ItemRow>();
    const items = rows.map(itemOf);
    // Who begins with everything there is, as our daemon does, spares each of its writes a look for the keys.
    this.#newest.learn(rows);
    return items;
  }

  /** The id of the key's newest change, or {@link absent}. The file is asked only for what was neither read nor written. */
  newestChange(key: string): number {
    const known = this.#newest.get(key);
    if (known !== undefined) return known;
    const row = this.#sql("SELECT change_id FROM keys WHERE key = ?").get<{ change_id: number }>(key);
    const id = row?.change_id ?? absent;
    this.#newest.set(key, id);
    return id;
  }

  /** Call it when changes were rolled back. */
  forgetNewest(): void {
    this.#newest.forget();
  }

  addChange(id: number, { key, value }: Change, leaseId: number | null): void {
    this.#sql("INSERT INTO changes (id, key, value, sum) VALUES (?, ?, ?, ?)").run(
      id,
      key,
      value,
      sumOf(id, key, value),
    );
    this.#newest.set(key, value === null ? absent : id);
    if (value === null) this.#sql("DELETE FROM keys WHERE key = ?").run(key);
    else {
      this.#sql(upsertKey).run(key, id, leaseId);
    }
  }

  removeChange(id: number): void {
    this.#sql("DELETE FROM changes WHERE id = ?").run(id);
  }

  addTxn(rev: Rev, atMs: number, token: string): void {
    this.#sql("INSERT INTO txns (rev, at_ms, token) VALUES (?, ?, ?)").run(rev, atMs, token);
  }

  revOfToken(token: string): Rev | undefined {
    return this.#sql("SELECT rev FROM txns WHERE token = ?").get<{ rev: Rev }>(token)?.rev;
  }

  /** Whole revisions after `after` that touch the prefix, and how far the look went. */
  changesAfter(prefix: string, after: Rev, head: Rev): { revisions: Revision[]; upTo: Rev } {
    const rows = this.#changeRows(prefix, (after + 1) * changesPerRev, (head + 1) * changesPerRev, readRows);
    if (rows.length < readRows) return { revisions: grouped(rows), upTo: head };
    const last = revOfChange(rows.at(-1)?.id ?? 0);
    const first = revOfChange(rows[0]?.id ?? 0);
    // The last revision may be cut off: leave it for the next look, unless it is the only one.
    if (first < last) {
      return { revisions: grouped(rows.filter(({ id }) => revOfChange(id) < last)), upTo: (last - 1) as Rev };
    }
    const whole = this.#changeRows(prefix, last * changesPerRev, (last + 1) * changesPerRev, changesPerRev);
    return { revisions: grouped(whole), upTo: last };
  }

  addLease(ttlMs: number): string {
    this.#sql("INSERT INTO leases (ttl_ms) VALUES (?)").run(ttlMs);
    return String(this.#number("SELECT last_insert_rowid() AS n"));
  }

  removeLease(id: string): void {
    this.#sql("DELETE FROM leases WHERE id = ?").run(Number(id));
  }

  leases(): { id: number; ttl_ms: number }[] {
    return this.#sql("SELECT id, ttl_ms FROM leases").all();
  }

  keysOfLease(id: string): string[] {
    return this.#sql("SELECT key FROM keys WHERE lease_id = ? ORDER BY key")
      .all<{ key: string }>(Number(id))
      .map(({ key }) => key);
  }

  /** The newest revision that is older than the time. */
  revBefore(atMs: number): Rev {
    return this.#number("SELECT coalesce(max(rev), 0) AS n FROM txns WHERE at_ms < ?", atMs) as Rev;
  }

  /** Bytes of all values in the history. Looks at each change. */
  historyBytes(): number {
    return this.#number("SELECT coalesce(sum(length(value)), 0) AS n FROM changes");
  }

  /** The newest revision that has more than `bytes` of values from it on. Looks at each change. */
  revBeyond(bytes: number): Rev {
    const id = this.#number(
      "SELECT coalesce(max(id), 0) AS n FROM (SELECT id, sum(length(value)) OVER (ORDER BY id DESC) AS total FROM changes) WHERE total > ?",
      bytes,
    );
    return revOfChange(id);
  }

  /** Forgets changes in (from, upTo] that are no key's current value. */
  forget(from: Rev, upTo: Rev, head: Rev): void {
    this.#sql(
      "DELETE FROM changes WHERE id >= ? AND id < ? AND NOT EXISTS (SELECT 1 FROM keys k WHERE k.key = changes.key AND k.change_id = changes.id)",
    ).run((from + 1) * changesPerRev, (upTo + 1) * changesPerRev);
    // The newest row stays: it is where the head is read from.
    this.#sql("DELETE FROM txns WHERE rev <= ? AND rev < ?").run(upTo, head);
    this.#sql("UPDATE bounds SET rev = ? WHERE name = 'compacted'").run(upTo);
  }

  #changeRows(prefix: string, fromId: number, beforeId: number, limit: number): ChangeRow[] {
    if (prefix === "") {
      return this.#sql(
        "SELECT id, key, value, sum FROM changes WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
      ).all<ChangeRow>(fromId, beforeId, limit);
    }
    return this.#sql(
      "SELECT id, key, value, sum FROM changes WHERE (key = ?1 OR (key > ?2 AND key < ?3)) AND id >= ?4 AND id < ?5 ORDER BY id LIMIT ?6",
    ).all<ChangeRow>(...below(prefix), fromId, beforeId, limit);
  }

  #number(sql: string, ...values: number[]): number {
    return this.#sql(sql).get<{ n: number }>(...values)?.n ?? 0;
  }

  #sql(sql: string): ReturnType<SqlDatabase["prepare"]> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

// "/" is the character after ".": every key below the prefix sorts between the two.
function below(prefix: string): [string, string, string] {
  return [prefix, `${prefix}.`, `${prefix}/`];
}

function itemOf(row: ItemRow): Item {
  const { name, key, value, id } = checked(row);
  if (name !== key)
    throw new SqlFailure(`the key "${name}" points at a change of "${key}"`, sqlCode.corrupt, undefined);
  return { key, value, rev: revOfChange(id) };
}

function checked<Row extends ChangeRow>(row: Row): Row {
  if (row.sum === sumOf(row.id, row.key, row.value)) return row;
  throw new SqlFailure(`the check sum of change ${row.id} does not fit`, sqlCode.corrupt, undefined);
}

function sumOf(id: number, key: string, value: Uint8Array | null): number {
  const head = crc32(`${id} ${key} ${value === null ? "-" : value.byteLength}`);
  // zlib answers with its start value when it is given no bytes.
  return value === null || value.byteLength === 0 ? head : crc32(value, head);
}

function grouped(rows: readonly ChangeRow[]): Revision[] {
  const revisions: { rev: Rev; changes: Change[] }[] = [];
  for (const row of rows) {
    const { id, key, value } = checked(row);
    const rev = revOfChange(id);
    const last = revisions.at(-1);
    if (last?.rev === rev) last.changes.push({ key, value });
    else revisions.push({ rev, changes: [{ key, value }] });
  }
  return revisions;
}
