import type { LogCursor, LogEntry, LogStreamName } from "./log-store.ts";
import { parsePiece } from "./cri.ts";
import type { FileTrail } from "./file-trail.ts";
import { LineJoiner } from "./line-joiner.ts";
import type { EntrySource } from "./merge.ts";

const newline = 0x0a;
/** More than any line that our supervisors write; what is longer without a line end is no log. */
const maxRawLineBytes = 1024 * 1024;

/** What an instance's reader is bounded by. */
export interface ReaderBounds {
  readonly stream?: LogStreamName;
  readonly sinceTime?: string;
  readonly untilTime?: string;
  /** For a query: what was there when it began, by inode and size; nothing else is read. */
  readonly snapshot?: ReadonlyMap<number, number>;
}

// Reading is synchronous, so all readers share one buffer; what is left of a line is kept by each.
let scratch = Buffer.alloc(0);

/** Entries of one instance in the order written, read ahead by one piece of file. */
export class InstanceReader implements EntrySource {
  readonly instance: string;
  readonly #trail: FileTrail;
  readonly #bounds: ReaderBounds;
  readonly #joiner: LineJoiner;
  #entries: LogEntry[] = [];
  #next = 0;
  #carry: Buffer = Buffer.alloc(0);
  #skippingBytes = 0;
  #lastTime = "";
  state: "reading" | "dry" | "ended" = "reading";

  constructor(instance: string, trail: FileTrail, bounds: ReaderBounds) {
    this.instance = instance;
    this.#trail = trail;
    this.#bounds = bounds;
    this.#joiner = new LineJoiner(instance);
  }

  get head(): LogEntry | undefined {
    return this.#entries[this.#next];
  }

  take(): LogEntry | undefined {
    const entry = this.head;
    if (entry !== undefined) this.#next += 1;
    return entry;
  }

  fill(readBytes: number): void {
    if (this.head !== undefined || this.state !== "reading") return;
    this.#entries = [];
    this.#next = 0;
    this.#step(readBytes);
  }

  /** Says first that what came before is lost. */
  startWithGap(time: string): void {
    this.#lastTime = time;
    this.#gap(0, "rotated");
  }

  stir(): void {
    if (this.state === "dry") this.state = "reading";
  }

  flush(): void {
    if (this.#joiner.hasPending) this.#entries = [...this.#entries.slice(this.#next), ...this.#joiner.flush()];
    else return;
    this.#next = 0;
  }

  close(): void {
    this.state = "ended";
    this.#trail.close();
  }

  #step(readBytes: number): void {
    if (scratch.byteLength < this.#carry.byteLength + readBytes)
      scratch = Buffer.allocUnsafe(this.#carry.byteLength + readBytes);
    const carried = this.#carry.copy(scratch);
    const wanted = this.#wantedBytes(readBytes);
    const step = wanted === 0 ? ({ kind: "gone" } as const) : this.#trail.read(scratch, carried, wanted);
    switch (step.kind) {
      case "bytes":
        if (step.length === 0) this.#lineCut();
        else this.#parse(scratch.subarray(0, carried + step.length));
        break;
      case "gap":
        this.#lineCut();
        this.#gap(step.bytes, "rotated");
        break;
      case "end":
        this.state = "dry";
        break;
      case "gone":
        this.#finish();
        break;
    }
  }

  // A query reads a file only as far as it was when the query began, and no file that came later.
  #wantedBytes(readBytes: number): number {
    const { snapshot } = this.#bounds;
    if (snapshot === undefined || this.#trail.inode === 0) return readBytes;
    const sizeBytes = snapshot.get(this.#trail.inode);
    const isLast = [...snapshot.keys()].at(-1) === this.#trail.inode;
    if (sizeBytes === undefined) return 0;
    return isLast ? Math.min(readBytes, Math.max(0, sizeBytes - this.#trail.offset)) : readBytes;
  }

  #parse(bytes: Buffer): void {
    let base = this.#trail.offset - bytes.byteLength;
    let start = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      this.#entry(bytes, start, end, base);
      start = end + 1;
      if (this.state === "ended") return;
    }
    const rest = bytes.byteLength - start;
    if (rest > maxRawLineBytes) {
      this.#skippingBytes += rest;
      this.#carry = Buffer.alloc(0);
    } else this.#carry = Buffer.from(bytes.subarray(start));
    base += start;
  }

  #entry(bytes: Buffer, start: number, end: number, base: number): void {
    const piece = this.#skippingBytes > 0 ? null : parsePiece(bytes, start, end);
    if (piece === null) {
      const bad = this.#skippingBytes + end - start;
      this.#skippingBytes = 0;
      // Writers end a torn line with an empty one.
      if (bad > 0) this.#gap(bad, "malformed", base + end + 1);
      return;
    }
    const { stream, sinceTime, untilTime } = this.#bounds;
    this.#lastTime = piece.time;
    if (untilTime !== undefined && piece.time > untilTime) {
      this.#finish();
      return;
    }
    if ((stream !== undefined && piece.stream !== stream) || (sinceTime !== undefined && piece.time < sinceTime))
      return;
    const line = this.#joiner.add(piece, bytes, end, this.#cursor(base + end + 1));
    if (line !== null) this.#entries.push(line);
  }

  // The rest of a file without its line end will never come.
  #lineCut(): void {
    const bytes = this.#carry.byteLength + this.#skippingBytes;
    this.#carry = Buffer.alloc(0);
    this.#skippingBytes = 0;
    if (bytes > 0) this.#gap(bytes, "malformed");
  }

  /** @param end Of the gap: who goes on after it gets what comes next in the piece that is being read, too. */
  #gap(gapBytes: number, why: "rotated" | "malformed", end = this.#trail.offset): void {
    this.#entries.push(...this.#joiner.finish());
    const cursor = this.#cursor(end);
    this.#entries.push({ kind: "gap", instance: this.instance, time: this.#lastTime, gapBytes, why, cursor });
  }

  #finish(): void {
    this.#entries.push(...this.#joiner.finish());
    this.close();
  }

  #cursor(end: number): LogCursor {
    return { file: this.#trail.inode, end, time: this.#lastTime };
  }
}
