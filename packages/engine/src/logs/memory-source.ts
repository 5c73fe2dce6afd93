import { formatTime } from "./cri.ts";
import type { LogEntry, LogLine, LogStreamName } from "./log-store.ts";
import type { EntrySource } from "./merge.ts";
import type { LogStart } from "./reading.ts";

/** One instance's lines; the oldest are dropped when there are too many. */
export interface MemoryLog {
  readonly file: number;
  readonly lines: LogLine[];
  bytes: number;
  /** How many lines were dropped before the first. */
  firstCount: number;
  /** Bytes dropped so far. */
  lostBytes: number;
  removed: boolean;
  dropOldest(): number;
}

export interface SourceBounds {
  readonly stream?: LogStreamName;
  readonly untilTime?: string;
  /** Ends after so many lines since the log's beginning. */
  readonly untilCount?: number;
}

/** Reads one instance's lines in memory, and notices when some were dropped unread. */
export class MemorySource implements EntrySource {
  readonly instance: string;
  readonly #log: MemoryLog;
  readonly #bounds: SourceBounds;
  #count: number;
  #lostBytes: number;
  #lastTime = "";
  head: LogEntry | undefined;
  state: "reading" | "dry" | "ended" = "reading";

  constructor(instance: string, log: MemoryLog, bounds: SourceBounds) {
    this.instance = instance;
    this.#log = log;
    this.#bounds = bounds;
    this.#count = log.firstCount;
    this.#lostBytes = log.lostBytes;
  }

  place(start: LogStart): void {
    const { lines, firstCount, file } = this.#log;
    if (start.kind === "time") this.#skipTo(lines.findIndex(({ time }) => time >= formatTime(start.sinceMs)));
    if (start.kind === "tail") this.#skipTo(this.#indexOfTail(start.count));
    if (start.kind !== "cursor") return;
    const { cursor } = start;
    const isKept = cursor.file === file && cursor.end >= firstCount;
    this.#skipTo(isKept ? cursor.end - firstCount : lines.findIndex(({ time }) => time > cursor.time));
    if (!isKept) this.head = this.#gap(cursor.time, 0);
  }

  take(): LogEntry | undefined {
    const entry = this.head;
    this.head = undefined;
    return entry;
  }

  fill(): void {
    while (this.head === undefined && this.state === "reading") this.#step();
  }

  stir(): void {
    if (this.state === "dry") this.state = "reading";
  }

  flush(): void {
    // Lines are appended whole here.
  }

  close(): void {
    this.state = "ended";
  }

  #step(): void {
    const { lines, firstCount, lostBytes } = this.#log;
    if (this.#count < firstCount) {
      this.head = this.#gap(this.#lastTime, lostBytes - this.#lostBytes);
      this.#count = firstCount;
      this.#lostBytes = lostBytes;
      return;
    }
    this.#lostBytes = lostBytes;
    const { untilCount = Infinity, untilTime = "~", stream } = this.#bounds;
    const line = this.#count < untilCount ? lines[this.#count - firstCount] : undefined;
    if (line === undefined) {
      this.state = this.#log.removed || this.#count >= untilCount ? "ended" : "dry";
      return;
    }
    if (line.time > untilTime) {
      this.state = "ended";
      return;
    }
    this.#count += 1;
    this.#lastTime = line.time;
    if (stream === undefined || stream === line.stream) this.head = line;
  }

  #skipTo(index: number): void {
    this.#count = this.#log.firstCount + (index < 0 ? this.#log.lines.length : index);
  }

  #indexOfTail(count: number): number {
    const { lines } = this.#log;
    const { stream } = this.#bounds;
    let index = lines.length;
    for (let missing = count; index > 0 && missing > 0; index -= 1) {
      if (stream === undefined || lines[index - 1]?.stream === stream) missing -= 1;
    }
    return index;
  }

  #gap(time: string, gapBytes: number): LogEntry {
    const cursor = { file: this.#log.file, end: this.#log.firstCount, time };
    return { kind: "gap", instance: this.instance, time, gapBytes, why: "rotated", cursor };
  }
}
