import type { LogEntry } from "./log-store.ts";

const mostReadBytes = 256 * 1024;
const leastReadBytes = 16 * 1024;
/** Bytes of file that all readers together hold as entries. */
const heldBytes = 8 * 1024 * 1024;

/** One instance's entries in order, read ahead a little. */
export interface EntrySource {
  readonly instance: string;
  /** The next entry, without taking it. */
  readonly head: LogEntry | undefined;
  /** `dry`: nothing more at the moment; `ended`: nothing more at all. */
  readonly state: "reading" | "dry" | "ended";
  take(): LogEntry | undefined;
  /** Reads one piece of about so many bytes when no entry is left; it may hold none. */
  fill(readBytes: number): void;
  /** Something may have been written since it was dry. */
  stir(): void;
  /** Gives unfinished lines as they are. */
  flush(): void;
  close(): void;
}

/** Several instances' entries in one order of time. */
export class LogMerge {
  readonly #readers = new Set<EntrySource>();

  add(reader: EntrySource): void {
    this.#readers.add(reader);
  }

  /** What is left although nothing more comes: unfinished lines of all. */
  unfinished(): LogEntry[] {
    const entries: LogEntry[] = [];
    for (const reader of this.#readers) {
      reader.flush();
      for (let entry = reader.take(); entry !== undefined; entry = reader.take()) entries.push(entry);
    }
    return entries.sort((a, b) => (a.time < b.time ? -1 : 1));
  }

  /** Whether reading on now may give more. */
  get mayHaveMore(): boolean {
    for (const reader of this.#readers) if (reader.head !== undefined || reader.state === "reading") return true;
    return false;
  }

  /** The next entries, as many as one look gives and at most `count`; empty does not mean the end, see `mayHaveMore`. */
  next(count: number): LogEntry[] {
    const batch: LogEntry[] = [];
    while (batch.length < count && this.#fillAll()) {
      const first = this.#earliest(undefined);
      if (first === undefined) break;
      // Up to the next one's time; its turn comes when the first one's buffer is empty, too, because more may follow there.
      const untilTime = this.#earliest(first)?.head?.time ?? "~";
      while (batch.length < count && (first.head?.time ?? "~~") <= untilTime) {
        const entry = first.take();
        if (entry !== undefined) batch.push(entry);
      }
    }
    return batch;
  }

  close(): void {
    for (const reader of this.#readers) reader.close();
    this.#readers.clear();
  }

  // True when every reader that may have more has an entry, so that the earliest is known.
  #fillAll(): boolean {
    const readBytes = Math.min(
      mostReadBytes,
      Math.max(leastReadBytes, Math.floor(heldBytes / Math.max(1, this.#readers.size))),
    );
    let known = true;
    for (const reader of this.#readers) {
      reader.fill(readBytes);
      if (reader.head !== undefined) continue;
      if (reader.state === "ended") this.#readers.delete(reader);
      if (reader.state === "reading") known = false;
    }
    return known;
  }

  #earliest(except: EntrySource | undefined): EntrySource | undefined {
    let earliest: EntrySource | undefined;
    for (const reader of this.#readers) {
      if (reader === except || reader.head === undefined) continue;
      if (earliest?.head === undefined || reader.head.time < earliest.head.time) earliest = reader;
    }
    return earliest;
  }
}
