import type { Piece } from "./cri.ts";
import type { LogCursor, LogLine, LogStreamName } from "./log-store.ts";

/** A line longer than this is given in several entries. */
const maxLineBytes = 256 * 1024;

interface Pending {
  readonly time: string;
  readonly parts: Buffer[];
  bytes: number;
  cursor: LogCursor;
}

/** Puts the pieces of one instance's lines together again, each stream for itself. */
export class LineJoiner {
  readonly #instance: string;
  readonly #pending = new Map<LogStreamName, Pending>();

  constructor(instance: string) {
    this.#instance = instance;
  }

  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  /** The line that the piece completes, or null when more is to come. */
  add(piece: Piece, buffer: Buffer, end: number, cursor: LogCursor): LogLine | null {
    const { stream, full, time, textStart } = piece;
    const pending = this.#pending.get(stream);
    if (full && pending === undefined)
      return this.#line(time, stream, buffer.toString("utf8", textStart, end), false, cursor);
    const text = Buffer.from(buffer.subarray(textStart, end));
    if (pending === undefined) {
      this.#pending.set(stream, { time, parts: [text], bytes: text.byteLength, cursor });
      return null;
    }
    pending.parts.push(text);
    pending.bytes += text.byteLength;
    pending.cursor = cursor;
    if (!full && pending.bytes < maxLineBytes) return null;
    return this.#release(stream, pending, !full);
  }

  /** Gives what is unfinished, for a reader who should not wait for its end. */
  flush(): LogLine[] {
    return [...this.#pending].map(([stream, pending]) => this.#release(stream, pending, true));
  }

  #release(stream: LogStreamName, { time, parts, cursor }: Pending, continues: boolean): LogLine {
    this.#pending.delete(stream);
    return this.#line(time, stream, Buffer.concat(parts).toString("utf8"), continues, cursor);
  }

  #line(time: string, stream: LogStreamName, text: string, continues: boolean, cursor: LogCursor): LogLine {
    return { kind: "line", instance: this.#instance, time, stream, text, continues, cursor };
  }
}
