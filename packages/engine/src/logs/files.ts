import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type EngineClock, systemClock } from "../clock.ts";
import { EngineError } from "../error.ts";
import { checkKey } from "../state/key.ts";
import { streamOf } from "./batched.ts";
import { formatTime } from "./cri.ts";
import { readerFrom } from "./file-start.ts";
import { FolderWatch } from "./folder-watch.ts";
import type { InstanceReader } from "./instance-reader.ts";
import { checkLogRequest, chooses } from "./log-name.ts";
import type {
  LogFilter,
  LogFollow,
  LogPrune,
  LogQuery,
  LogStream,
  NewLogLine,
  OwnedLogStore,
  Pruned,
} from "./log-store.ts";
import { type Batches, followBatches, type LogBackend, queryBatches } from "./reading.ts";
import { logFiles } from "./rotation.ts";
import { LogFileWriter, type WriterLimits } from "./writer.ts";

export interface FileLogOptions extends Partial<WriterLimits> {
  /** Has a folder for each instance, named after it, with its files `log`, `log.1`, … */
  readonly directory: string;
  readonly clock?: EngineClock;
}

/** Logs as files in CRI format, written by the instances' supervisors; reading them needs no daemon. */
export class FileLogStore implements OwnedLogStore {
  readonly #directory: string;
  readonly #clock: EngineClock;
  readonly #limits: WriterLimits;
  readonly #writers = new Map<string, LogFileWriter>();
  readonly #closing = new AbortController();
  readonly #backend: LogBackend;

  constructor({ directory, clock = systemClock, maxFileBytes = 10_000_000, rotatedFiles = 4 }: FileLogOptions) {
    this.#directory = directory;
    this.#clock = clock;
    this.#limits = { maxFileBytes, rotatedFiles };
    this.#backend = {
      closing: this.#closing.signal,
      chosen: (filter) => this.#chosen(filter),
      forQuery: (instance, query) => this.#queryReader(instance, query),
      forFollow: (instance, start, { stream }) =>
        readerFrom(instance, this.#folder(instance), start, stream === undefined ? {} : { stream }),
      watch: () => new FolderWatch(directory),
    };
  }

  async append(instance: string, lines: readonly NewLogLine[]): Promise<void> {
    checkKey(instance);
    this.#checkOpen("append to a log");
    try {
      let writer = this.#writers.get(instance);
      if (writer === undefined) {
        mkdirSync(this.#folder(instance), { recursive: true, mode: 0o750 });
        writer = new LogFileWriter(this.#folder(instance), this.#limits);
        this.#writers.set(instance, writer);
      }
      writer.write(formatTime(this.#clock.wallMs()), lines);
    } catch (error) {
      this.#writers.get(instance)?.close();
      this.#writers.delete(instance);
      throw this.#failure("append to", error);
    }
  }

  query(query: LogQuery): LogStream {
    checkLogRequest(query);
    this.#checkOpen("query logs");
    return streamOf(() => this.#worded(queryBatches(query, this.#backend)));
  }

  follow(follow: LogFollow): LogStream {
    checkLogRequest(follow);
    this.#checkOpen("follow logs");
    return streamOf(() => this.#worded(followBatches(follow, this.#backend)));
  }

  async instances(): Promise<string[]> {
    this.#checkOpen("list logs");
    return this.#chosen({});
  }

  async prune({ olderThanMs, ended = false, ...filter }: LogPrune): Promise<Pruned> {
    checkLogRequest(filter);
    this.#checkOpen("prune logs");
    const pruned = { files: 0, bytes: 0 };
    for (const instance of this.#chosen(filter)) {
      // The newest stays even when it is old: its writer has it open, and would write on into a file without a name.
      const files = logFiles(this.#folder(instance));
      const old = (ended ? files : files.slice(0, -1)).filter(({ modifiedMs }) => modifiedMs < olderThanMs);
      for (const { path, sizeBytes } of old) {
        rmSync(path, { force: true });
        pruned.files += 1;
        pruned.bytes += sizeBytes;
      }
      if (ended && old.length === files.length) await this.remove(instance);
    }
    return pruned;
  }

  async remove(instance: string): Promise<void> {
    checkKey(instance);
    this.#checkOpen("remove a log");
    this.#writers.get(instance)?.close();
    this.#writers.delete(instance);
    rmSync(this.#folder(instance), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const writer of this.#writers.values()) writer.close();
    this.#writers.clear();
  }

  #queryReader(instance: string, { stream, sinceMs, untilMs, tail }: LogQuery): InstanceReader {
    const folder = this.#folder(instance);
    const untilTime = untilMs === undefined ? {} : { untilTime: endOfMs(untilMs) };
    const bounds = {
      ...(stream === undefined ? {} : { stream }),
      ...untilTime,
      presentOnly: true,
    };
    if (sinceMs !== undefined) return readerFrom(instance, folder, { kind: "time", sinceMs }, bounds);
    if (tail !== undefined) return readerFrom(instance, folder, { kind: "tail", count: tail, ...untilTime }, bounds);
    return readerFrom(instance, folder, { kind: "beginning" }, bounds);
  }

  #chosen(filter: LogFilter): string[] {
    const { instances } = filter;
    // Who names them wants no look at all the others, which may be thousands.
    if (instances !== undefined)
      return [...new Set(instances)].filter((name) => chooses(filter, name) && this.#hasFolder(name)).sort();
    try {
      return readdirSync(this.#directory, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && chooses(filter, entry.name))
        .map(({ name }) => name)
        .sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  #hasFolder(instance: string): boolean {
    return statSync(this.#folder(instance), { throwIfNoEntry: false })?.isDirectory() ?? false;
  }

  #folder(instance: string): string {
    return join(this.#directory, instance);
  }

  #checkOpen(attempted: string): void {
    if (this.#closing.signal.aborted) throw new EngineError("closed", `Cannot ${attempted}: the log store was closed`);
  }

  async *#worded(batches: Batches): Batches {
    try {
      yield* batches;
    } catch (error) {
      throw this.#failure("read", error);
    }
    this.#checkOpen("go on reading logs");
  }

  #failure(attempted: string, error: unknown): unknown {
    const { syscall, message } = error as NodeJS.ErrnoException;
    if (syscall === undefined) return error;
    return new EngineError("unavailable", `Cannot ${attempted} logs in ${this.#directory}: ${message}`, {
      cause: error,
    });
  }
}

// The last time that belongs to the millisecond.
function endOfMs(atMs: number): string {
  return `${formatTime(atMs).slice(0, 23)}999999Z`;
}
