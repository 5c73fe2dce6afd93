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
    return [...this.#pending].flatMap(([stream, pending]) => {
      const line = this.#release(stream, pending, true);
      return line.text === "" ? [] : [line];
    });
  }

  /** The same when nothing more will come. */
  finish(): LogLine[] {
    const lines = [...this.#pending].map(([stream, { time, parts, cursor }]) =>
      this.#line(time, stream, Buffer.concat(parts).toString("utf8"), true, cursor),
    );
    this.#pending.clear();
    return lines;
  }

  #release(stream: LogStreamName, { time, parts, cursor }: Pending, continues: boolean): LogLine {
    const text = Buffer.concat(parts);
    const end = continues ? endOfCharacters(text) : text.byteLength;
    if (end === text.byteLength) this.#pending.delete(stream);
    // The rest of a character comes with what follows.
    else this.#pending.set(stream, { time, parts: [text.subarray(end)], bytes: text.byteLength - end, cursor });
    return this.#line(time, stream, text.toString("utf8", 0, end), continues, cursor);
  }

  #line(time: string, stream: LogStreamName, text: string, continues: boolean, cursor: LogCursor): LogLine {
    return { kind: "line", instance: this.#instance, time, stream, text, continues, cursor };
  }
}

/** Where the last whole character ends: before the first bytes of one in UTF-8 (RFC 3629, section 3) that goes on. */
function endOfCharacters(text: Buffer): number {
  for (let back = 1; back <= Math.min(3, text.byteLength); back += 1) {
    const byte = text[text.byteLength - back] as number;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    // No character begins so: nothing that follows makes it one.
    if (byte > 0xf4) break;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? text.byteLength - back : text.byteLength;
  }
  return text.byteLength;
}
