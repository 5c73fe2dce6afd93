import type { SqlDatabase, SqlStatement, SqlValue } from "../sqlite/database.ts";
import { isUnder } from "../state/key.ts";
import { dropSql, partSql } from "./schema.ts";
import type { EventQuery, StoredEvent } from "./telemetry.ts";

/** How long telemetry is kept and how much. */
export interface RetentionLimits {
  /** @default 7 days */
  readonly keepMs: number;
  /** Bytes of the file in use; beyond, the oldest part goes. @default 512 MiB */
  readonly maxBytes: number;
  /** Length of a part, unless it alone has half of the bytes before; what is dropped is dropped by parts. @default 6 hours */
  readonly partMs: number;
}

/** An event before it has a sequence; its body is JSON text. */
export interface QueuedEvent {
  readonly atMs: number;
  readonly kind: string;
  readonly subject: string;
  readonly body: string;
}

interface EventRow {
  readonly sequence: number;
  readonly at_ms: number;
  readonly kind: string;
  readonly subject: string;
  readonly body: string;
}

/** The rows of the telemetry file, over all its parts. */
export class TelemetryParts {
  readonly #database: SqlDatabase;
  readonly #limits: RetentionLimits;
  readonly #statements = new Map<string, SqlStatement>();
  readonly #seriesIds = new Map<string, number>();
  #numbers: number[] = [];
  #sequence = 0;
  readonly #after: number;

  /** @param after The sequence of the newest event of a file that this one takes the place of. */
  constructor(database: SqlDatabase, limits: RetentionLimits, after: number) {
    this.#database = database;
    this.#limits = limits;
    this.#after = after;
    this.load();
  }

  /** Reads again what is kept in memory; after a transaction that was rolled back. */
  load(): void {
    this.#statements.clear();
    this.#numbers = this.#sql("SELECT number FROM parts ORDER BY number")
      .all<{ number: number }>()
      .map(({ number }) => number);
    const noted = this.#sql("SELECT value FROM counters WHERE name = 'sequence'").get<{ value: number }>()?.value ?? 0;
    this.#sequence = Math.max(noted, this.#after);
    this.#seriesIds.clear();
    for (const { id, name } of this.#sql("SELECT id, name FROM series").all<{ id: number; name: string }>()) {
      this.#seriesIds.set(name, id);
    }
  }

  /** The newest event's sequence. */
  get sequence(): number {
    return this.#sequence;
  }

  get seriesNames(): Iterable<string> {
    return this.#seriesIds.keys();
  }

  /** Adds events to the part of the present time, whatever their own, so that sequences rise from part to part. */
  addEvent(event: QueuedEvent, nowMs: number): void {
    this.#sequence += 1;
    const part = this.#partOf(Math.max(nowMs, (this.#numbers.at(-1) ?? 0) * this.#limits.partMs));
    this.#sql(`INSERT INTO events_${part} (sequence, at_ms, kind, subject, body) VALUES (?, ?, ?, ?, ?)`).run(
      this.#sequence,
      event.atMs,
      event.kind,
      event.subject,
      event.body,
    );
  }

  noteSequence(): void {
    this.#sql("UPDATE counters SET value = ? WHERE name = 'sequence'").run(this.#sequence);
  }

  putBlock(series: string, baseMs: number, points: Uint8Array): void {
    const id = this.#seriesIds.get(series) ?? this.#addSeries(series);
    this.#sql(
      `INSERT INTO blocks_${this.#partOf(baseMs)} (series, base_ms, points) VALUES (?1, ?2, ?3)
       ON CONFLICT (series, base_ms) DO UPDATE SET points = ?3`,
    ).run(id, baseMs, points);
  }

  blocks(series: string, fromMs: number, untilMs: number): { baseMs: number; points: Uint8Array }[] {
    const id = this.#seriesIds.get(series);
    if (id === undefined) return [];
    return this.#overlapping(fromMs, untilMs).flatMap((part) =>
      this.#sql(
        `SELECT base_ms AS baseMs, points FROM blocks_${part} WHERE series = ? AND base_ms >= ? AND base_ms < ? ORDER BY base_ms`,
      ).all<{ baseMs: number; points: Uint8Array }>(id, fromMs, untilMs),
    );
  }

  /** Events in order; looks through parts only until there are enough. */
  events({
    after = 0,
    sinceMs = 0,
    untilMs = Number.MAX_SAFE_INTEGER,
    under = "",
    kinds,
    tail,
    limit = 1000,
  }: EventQuery): StoredEvent[] {
    const found: StoredEvent[] = [];
    const count = tail ?? limit;
    for (const part of tail === undefined ? this.#numbers : this.#numbers.toReversed()) {
      if (found.length >= count) break;
      const conditions = ["sequence > ?", "at_ms >= ?", "at_ms <= ?"];
      const values: SqlValue[] = [after, sinceMs, untilMs];
      if (under !== "") {
        conditions.push("(subject = ? OR (subject > ? AND subject < ?))");
        values.push(under, `${under}.`, `${under}/`);
      }
      if (kinds !== undefined) {
        conditions.push(`kind IN (${kinds.map(() => "?").join(", ")})`);
        values.push(...kinds);
      }
      const order = tail === undefined ? "ASC" : "DESC";
      const sql = `SELECT * FROM events_${part} WHERE ${conditions.join(" AND ")} ORDER BY sequence ${order} LIMIT ?`;
      const rows = this.#database.prepare(sql).all<EventRow>(...values, count - found.length);
      for (const { sequence, at_ms, kind, subject, body } of rows) {
        found.push({ sequence, atMs: at_ms, kind, subject, body: JSON.parse(body) as unknown });
      }
    }
    return found.sort((a, b) => a.sequence - b.sequence);
  }

  /** Drops the parts that are too old, and the oldest while there is too much; true when something was dropped. */
  retain(nowMs: number): boolean {
    const oldest = Math.floor((nowMs - this.#limits.keepMs) / this.#limits.partMs);
    const first = this.#numbers[0];
    while ((this.#numbers[0] ?? Infinity) < oldest) this.#dropOldest();
    while (this.#numbers.length > 1 && this.#usedBytes() > this.#limits.maxBytes) this.#dropOldest();
    const [only, other] = this.#numbers;
    // What comes next goes to a part of its own, so that this one can be dropped before its time is over.
    if (only !== undefined && other === undefined && this.#usedBytes() > this.#limits.maxBytes / 2)
      this.#partOf((only + 1) * this.#limits.partMs);
    return this.#numbers[0] !== first;
  }

  /** Forgets series that have no block left. */
  forgetSeries(isOpen: (series: string) => boolean): void {
    for (const [name, id] of this.#seriesIds) {
      const isUsed = this.#numbers.some(
        (part) => this.#sql(`SELECT 1 FROM blocks_${part} WHERE series = ? LIMIT 1`).get(id) !== undefined,
      );
      if (isUsed || isOpen(name)) continue;
      this.#sql("DELETE FROM series WHERE id = ?").run(id);
      this.#seriesIds.delete(name);
    }
  }

  #dropOldest(): void {
    const part = this.#numbers.shift();
    if (part === undefined) return;
    this.#statements.clear();
    this.#database.exec(dropSql(part));
  }

  #usedBytes(): number {
    const pragma = (name: string): number =>
      this.#database.prepare(`PRAGMA ${name}`).get<Record<string, number>>()?.[name] ?? 0;
    return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
  }

  #overlapping(fromMs: number, untilMs: number): number[] {
    const { partMs } = this.#limits;
    return this.#numbers.filter((part) => (part + 1) * partMs > fromMs && part * partMs <= untilMs);
  }

  #partOf(atMs: number): number {
    const part = Math.max(0, Math.floor(atMs / this.#limits.partMs));
    if (!this.#numbers.includes(part)) {
      this.#database.exec(partSql(part));
      this.#numbers.push(part);
      this.#numbers.sort((a, b) => a - b);
    }
    return part;
  }

  #addSeries(name: string): number {
    this.#sql("INSERT INTO series (name) VALUES (?)").run(name);
    const id = this.#sql("SELECT last_insert_rowid() AS id").get<{ id: number }>()?.id ?? 0;
    this.#seriesIds.set(name, id);
    return id;
  }

  #sql(sql: string): SqlStatement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** The names of the series under a name, ordered. */
export function seriesUnder(names: Iterable<string>, under: string): string[] {
  return [...new Set(names)].filter((name) => isUnder(under, name)).sort();
}
