import { type EngineClock, systemClock } from "../clock.ts";
import { EngineError } from "../error.ts";
import { checkKey } from "../state/key.ts";
import { streamOf } from "./batched.ts";
import { formatTime, headBytes } from "./cri.ts";
import { checkLogRequest, chooses } from "./log-name.ts";
import type {
  LogFilter,
  LogFollow,
  LogLine,
  LogPrune,
  LogQuery,
  LogStream,
  NewLogLine,
  OwnedLogStore,
  Pruned,
} from "./log-store.ts";
import { type MemoryLog, MemorySource, type SourceBounds } from "./memory-source.ts";
import { MemoryWatch } from "./memory-watch.ts";
import { type Batches, followBatches, type LogBackend, queryBatches } from "./reading.ts";

/** Logs in memory, with the semantics of the others. */
export class MemoryLogStore implements OwnedLogStore {
  readonly #clock: EngineClock;
  readonly #maxBytes: number;
  readonly #logs = new Map<string, MemoryLog>();
  readonly #watches = new Set<MemoryWatch>();
  readonly #closing = new AbortController();
  readonly #backend: LogBackend;
  #files = 0;

  /** `maxBytesPerInstance` bounds what is kept of each log. @default 10 MB */
  constructor({
    clock = systemClock,
    maxBytesPerInstance = 10_000_000,
  }: { readonly clock?: EngineClock; readonly maxBytesPerInstance?: number } = {}) {
    this.#clock = clock;
    this.#maxBytes = maxBytesPerInstance;
    this.#backend = {
      closing: this.#closing.signal,
      chosen: (filter) => this.#chosen(filter),
      forQuery: (instance, query) => this.#queried(instance, query),
      forFollow: (instance, start, { stream }) => {
        const source = new MemorySource(instance, this.#log(instance), stream === undefined ? {} : { stream });
        source.place(start);
        return source;
      },
      watch: () => new MemoryWatch(this.#watches),
    };
  }

  async append(instance: string, lines: readonly NewLogLine[]): Promise<void> {
    checkKey(instance);
    this.#checkOpen("append to a log");
    const isNew = !this.#logs.has(instance);
    const log = this.#log(instance);
    const time = formatTime(this.#clock.wallMs());
    for (const { stream, text } of lines)
      for (const line of text.split("\n")) this.#add(instance, log, time, stream, line);
    for (const watch of this.#watches) watch.heard(instance, isNew);
  }

  query(query: LogQuery): LogStream {
    checkLogRequest(query);
    this.#checkOpen("query logs");
    return streamOf(() => this.#untilClosed(queryBatches(query, this.#backend)));
  }

  follow(follow: LogFollow): LogStream {
    checkLogRequest(follow);
    this.#checkOpen("follow logs");
    return streamOf(() => this.#untilClosed(followBatches(follow, this.#backend)));
  }

  async instances(): Promise<string[]> {
    this.#checkOpen("list logs");
    return this.#chosen({});
  }

  async prune({ olderThanMs, ended = false, ...filter }: LogPrune): Promise<Pruned> {
    checkLogRequest(filter);
    this.#checkOpen("prune logs");
    const pruned = { files: 0, bytes: 0 };
    const time = formatTime(olderThanMs);
    for (const [instance, log] of this.#logs) {
      if (!chooses(filter, instance)) continue;
      while ((log.lines[0]?.time ?? "~") < time) pruned.bytes += log.dropOldest();
      if (ended && log.lines.length === 0) await this.remove(instance);
    }
    return pruned;
  }

  async remove(instance: string): Promise<void> {
    checkKey(instance);
    this.#checkOpen("remove a log");
    const log = this.#logs.get(instance);
    if (log !== undefined) log.removed = true;
    this.#logs.delete(instance);
    for (const watch of this.#watches) watch.heard(instance, true);
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  #queried(instance: string, { stream, sinceMs, untilMs, tail }: LogQuery): MemorySource {
    const log = this.#log(instance);
    const bounds: SourceBounds = {
      ...(stream === undefined ? {} : { stream }),
      ...(untilMs === undefined ? {} : { untilTime: `${formatTime(untilMs).slice(0, 23)}999999Z` }),
      untilCount: log.firstCount + log.lines.length,
    };
    const source = new MemorySource(instance, log, bounds);
    if (sinceMs !== undefined) source.place({ kind: "time", sinceMs });
    else if (tail !== undefined && untilMs === undefined) source.place({ kind: "tail", count: tail });
    return source;
  }

  #add(instance: string, log: MemoryLog, time: string, stream: NewLogLine["stream"], text: string): void {
    const end = log.firstCount + log.lines.length + 1;
    const line: LogLine = {
      kind: "line",
      instance,
      time,
      stream,
      text,
      continues: false,
      cursor: { file: log.file, end, time },
    };
    log.lines.push(line);
    log.bytes += sizeOf(line);
    while (log.bytes > this.#maxBytes && log.lines.length > 1) log.dropOldest();
  }

  #log(instance: string): MemoryLog {
    let log = this.#logs.get(instance);
    if (log === undefined) {
      this.#files += 1;
      log = newLog(this.#files);
      this.#logs.set(instance, log);
    }
    return log;
  }

  #chosen(filter: LogFilter): string[] {
    return [...this.#logs.keys()].filter((instance) => chooses(filter, instance)).sort();
  }

  async *#untilClosed(batches: Batches): Batches {
    yield* batches;
    this.#checkOpen("go on reading logs");
  }

  #checkOpen(attempted: string): void {
    if (this.#closing.signal.aborted) throw new EngineError("closed", `Cannot ${attempted}: the log store was closed`);
  }
}

/** What the line would take in a file; an empty one takes room, too. */
function sizeOf({ text }: LogLine): number {
  return headBytes + text.length + 1;
}

function newLog(file: number): MemoryLog {
  return {
    file,
    lines: [],
    bytes: 0,
    firstCount: 0,
    lostBytes: 0,
    removed: false,
    dropOldest() {
      const oldest = this.lines.shift();
      const bytes = oldest === undefined ? 0 : sizeOf(oldest);
      this.bytes -= bytes;
      this.lostBytes += bytes;
      this.firstCount += 1;
      return bytes;
    },
  };
}
