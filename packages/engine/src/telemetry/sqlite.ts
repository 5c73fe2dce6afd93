import { onAbort } from "../abort.ts";
import { type EngineClock, systemClock } from "../clock.ts";
import { EngineError, isEngineError } from "../error.ts";
import { sqlCode, type SqlDatabase, SqlFailure } from "../sqlite/database.ts";
import { asEngineError } from "../sqlite/open.ts";
import { checkKey } from "../state/key.ts";
import { inSteps, stepsOf } from "./aggregate.ts";
import { decodeBlock } from "./block.ts";
import { type DirtyBlock, OpenBlocks } from "./open-blocks.ts";
import { type QueuedEvent, type RetentionLimits, seriesUnder, TelemetryParts } from "./parts.ts";
import type {
  EventFollow,
  EventQuery,
  MetricQuery,
  MetricRange,
  NewEvent,
  OwnedTelemetry,
  StoredEvent,
  TelemetryLosses,
} from "./telemetry.ts";

export interface TelemetryOptions extends Partial<RetentionLimits> {
  /** Opens the file; called when it is first needed, so that opening costs the daemon's start nothing. */
  readonly open: () => SqlDatabase;
  /** Puts a damaged file aside, so that `open` makes a new one. @default it stays, and every call fails */
  readonly putAside?: (reason: string) => void;
  /** Named in errors. */
  readonly path: string;
  readonly clock?: EngineClock;
}

/** Rows of one write, and how long they are gathered. */
const maxRows = 1000;
const gatherMs = 50;
/** Until the next try when the disk took nothing. */
const retryMs = 1000;
/** How often the blocks of the running minute are written. */
const checkpointMs = 10_000;
const retainEveryMs = 60_000;
const maxQueued = 10_000;
const maxBodyChars = 64 * 1024;
const minuteMs = 60_000;
const followPage = 500;

type File =
  | { readonly kind: "unopened" }
  | { readonly kind: "open"; readonly database: SqlDatabase; readonly parts: TelemetryParts }
  | { readonly kind: "closed" };

/** Telemetry in a SQLite file of its own: one writer that gathers, so that recording costs its caller microseconds. */
export class SqliteTelemetry implements OwnedTelemetry {
  readonly #options: TelemetryOptions;
  readonly #clock: EngineClock;
  readonly #limits: RetentionLimits;
  readonly #blocks = new OpenBlocks();
  readonly #losses = { events: 0, samples: 0, lastFailure: null as string | null };
  readonly #waiting = new Set<() => void>();
  #file: File = { kind: "unopened" };
  /** Of a file that was put aside. */
  #lastSequence = 0;
  #queue: QueuedEvent[] = [];
  #cancelFlush: (() => void) | undefined;
  // Of the clock that nobody sets: one set back from next year would keep everything for a year.
  #checkpointAtMs = 0;
  #retainAtMs = 0;

  constructor(options: TelemetryOptions) {
    const {
      clock = systemClock,
      keepMs = 7 * 86_400_000,
      maxBytes = 512 * 1024 * 1024,
      partMs = 6 * 3_600_000,
    } = options;
    this.#options = options;
    this.#clock = clock;
    this.#limits = { keepMs, maxBytes, partMs };
  }

  record({ kind, subject, body = null, atMs = this.#clock.wallMs() }: NewEvent): void {
    checkKey(kind);
    if (subject !== "") checkKey(subject);
    this.#checkOpen("record an event");
    checkTime(kind, atMs);
    const text = JSON.stringify(body) ?? "null";
    if (text.length > maxBodyChars) {
      throw new EngineError(
        "too-large",
        `Cannot record ${kind}: its body has ${text.length} characters, at most ${maxBodyChars}`,
      );
    }
    if (this.#queue.length >= maxQueued) {
      this.#losses.events += 1;
      return;
    }
    this.#queue.push({ atMs, kind, subject, body: text });
    this.#gather(this.#waiting.size > 0 || this.#queue.length === maxRows ? 0 : gatherMs);
  }

  sample(series: string, value: number, atMs: number = this.#clock.wallMs()): void {
    this.#checkOpen("record a sample");
    if (!Number.isFinite(value))
      throw new RangeError(`Cannot record ${value} for ${series}: a sample must be a finite number`);
    checkTime(series, atMs);
    if (!this.#blocks.has(series)) checkKey(series);
    if (!this.#blocks.add(series, Math.floor(atMs), value)) this.#losses.samples += 1;
    this.#gather(gatherMs);
  }

  async events(query: EventQuery = {}): Promise<StoredEvent[]> {
    return this.#reading("read events", (parts) => parts.events(query));
  }

  async *follow({ after, under, kinds, signal }: EventFollow = {}): AsyncGenerator<StoredEvent, void, undefined> {
    const filter = { ...(under === undefined ? {} : { under }), ...(kinds === undefined ? {} : { kinds }) };
    let cursor = after ?? this.#reading("follow events", ({ sequence }) => sequence);
    while (!isAborted(signal)) {
      const head = this.#reading("follow events", ({ sequence }) => sequence);
      const page = this.#reading("follow events", (parts) =>
        parts.events({ ...filter, after: cursor, limit: followPage }),
      );
      for (const event of page) {
        if (isAborted(signal)) return;
        yield event;
      }
      cursor = page.length === followPage ? (page.at(-1)?.sequence ?? head) : Math.max(head, cursor);
      if (page.length < followPage) await this.#more(cursor, signal);
    }
  }

  async metric(query: MetricQuery): Promise<MetricRange> {
    checkKey(query.series);
    stepsOf(query);
    return this.#reading("read a metric", (parts) => {
      const { series, fromMs, untilMs } = query;
      const blocks = new Map(
        parts.blocks(series, fromMs - minuteMs, untilMs).map(({ baseMs, points }) => [baseMs, points]),
      );
      // What is not written yet is newer than what is.
      for (const { baseMs, points } of this.#blocks.unwritten(series)) blocks.set(baseMs, points);
      const inOrder = [...blocks].sort(([a], [b]) => a - b);
      return inSteps(
        query,
        inOrder.flatMap(([baseMs, points]) => decodeBlock(baseMs, points)),
      );
    });
  }

  async series(under = ""): Promise<string[]> {
    if (under !== "") checkKey(under);
    return this.#reading("list series", (parts) => seriesUnder([...parts.seriesNames, ...this.#blocks.names], under));
  }

  losses(): TelemetryLosses {
    return { ...this.#losses, samples: this.#losses.samples + this.#blocks.lostSamples };
  }

  async flush(): Promise<void> {
    this.#checkOpen("write telemetry");
    try {
      this.#write("everything");
    } catch (error) {
      throw asEngineError(this.#options.path, "write telemetry", error);
    }
  }

  async close(): Promise<void> {
    if (this.#file.kind === "closed") return;
    try {
      if (this.#file.kind === "open" || this.#queue.length > 0 || this.#blocks.isDirty) this.#write("everything");
    } finally {
      this.#cancelFlush?.();
      if (this.#file.kind === "open") this.#file.database.close();
      this.#file = { kind: "closed" };
      for (const wake of this.#waiting) wake();
    }
  }

  #gather(delayMs: number): void {
    if (this.#cancelFlush !== undefined && delayMs > 0) return;
    this.#cancelFlush?.();
    this.#cancelFlush = this.#clock.after(delayMs, () => {
      this.#cancelFlush = undefined;
      let nextMs = gatherMs;
      try {
        this.#write("due");
      } catch {
        // Noted in the losses; what waits is tried again, until there is too much of it.
        nextMs = retryMs;
      }
      if (this.#queue.length > 0 || this.#blocks.isDirty) this.#gather(nextMs);
    });
  }

  // A reader sees what was recorded before it asked: events are written, samples are added from memory.
  #reading<T>(attempted: string, read: (parts: TelemetryParts) => T): T {
    this.#checkOpen(attempted);
    try {
      return this.#inSoundFile(() => {
        this.#write("events");
        return read(this.#opened());
      });
    } catch (error) {
      throw asEngineError(this.#options.path, attempted, error);
    }
  }

  /** Does it once more in a new file when the present one turns out to be damaged. */
  #inSoundFile<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!this.#replaced(error)) throw error;
      return work();
    }
  }

  /** False when the error tells of no damage, or nothing can be done about it. */
  #replaced(error: unknown): boolean {
    const { putAside } = this.#options;
    const file = this.#file;
    if (putAside === undefined || file.kind === "closed" || !isDamage(error)) return false;
    this.#losses.lastFailure = error.message;
    if (file.kind === "open") {
      this.#lastSequence = file.parts.sequence;
      closeDamaged(file.database);
    }
    this.#file = { kind: "unopened" };
    putAside(error.message);
    return true;
  }

  #write(what: "due" | "events" | "everything"): void {
    const nowMs = this.#clock.wallMs();
    const events = what === "due" ? this.#queue.slice(0, maxRows) : this.#queue;
    const blocks = what === "events" ? [] : this.#dueBlocks(nowMs, what === "due" ? maxRows - events.length : Infinity);
    if (events.length === 0 && blocks.length === 0) return;
    try {
      this.#inSoundFile(() => this.#commit(events, blocks, nowMs));
    } catch (error) {
      this.#rolledBack(error);
      throw error;
    }
    this.#queue = this.#queue.slice(events.length);
    this.#blocks.written(blocks, nowMs);
    for (const wake of this.#waiting) wake();
    this.#retain(nowMs);
  }

  #dueBlocks(nowMs: number, count: number): DirtyBlock[] {
    const atMs = this.#clock.monotonicMs();
    const isCheckpoint = count === Infinity || atMs >= this.#checkpointAtMs;
    const blocks = this.#blocks.dirty(isCheckpoint ? Infinity : nowMs, count);
    if (isCheckpoint && blocks.length < count) this.#checkpointAtMs = atMs + checkpointMs;
    return blocks;
  }

  #commit(events: readonly QueuedEvent[], blocks: readonly DirtyBlock[], nowMs: number): void {
    const parts = this.#opened();
    const file = this.#file;
    if (file.kind !== "open") return;
    file.database.transaction(() => {
      for (const event of events) parts.addEvent(event, nowMs);
      if (events.length > 0) parts.noteSequence();
      for (const { series, baseMs, points } of blocks) parts.putBlock(series, baseMs, points);
    });
  }

  // Apart from the writing: what was written is, also when nothing can be dropped for it.
  #retain(nowMs: number): void {
    const file = this.#file;
    const atMs = this.#clock.monotonicMs();
    if (file.kind !== "open" || atMs < this.#retainAtMs) return;
    this.#retainAtMs = atMs + retainEveryMs;
    try {
      file.database.transaction(() => {
        if (file.parts.retain(nowMs)) file.parts.forgetSeries((series) => this.#blocks.has(series));
      });
    } catch (error) {
      if (!this.#replaced(error)) this.#rolledBack(error);
    }
  }

  #rolledBack(error: unknown): void {
    this.#losses.lastFailure = (error as Error).message;
    if (this.#file.kind === "open") this.#file.parts.load();
  }

  #opened(): TelemetryParts {
    if (this.#file.kind === "closed") throw closedError("use telemetry");
    if (this.#file.kind === "unopened") {
      const database = this.#options.open();
      try {
        const parts = new TelemetryParts(database, this.#limits, this.#lastSequence);
        this.#file = { kind: "open", database, parts };
      } catch (error) {
        closeDamaged(database);
        throw error;
      }
    }
    return this.#file.parts;
  }

  #more(cursor: number, signal: AbortSignal | undefined): Promise<void> {
    const isDue = (): boolean => isAborted(signal) || this.#file.kind !== "open" || this.#file.parts.sequence > cursor;
    // It may have come while the reader was busy with the page before.
    if (isDue()) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        if (!isDue()) return;
        this.#waiting.delete(wake);
        forget();
        resolve();
      };
      this.#waiting.add(wake);
      const forget = onAbort(signal, wake);
    });
  }

  #checkOpen(attempted: string): void {
    if (this.#file.kind === "closed") throw closedError(attempted);
  }
}

function isDamage(error: unknown): error is Error {
  if (error instanceof SqlFailure) return error.sqlCode === sqlCode.corrupt || error.sqlCode === sqlCode.notADatabase;
  return isEngineError(error, "corrupt");
}

/** What it says on the way out is no news. */
function closeDamaged(database: SqlDatabase): void {
  try {
    database.close();
  } catch {
    // Its file is not used any more.
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted ?? false;
}

// A row that the file does not take would hold up all that come after it.
function checkTime(name: string, atMs: number): void {
  if (Number.isFinite(atMs)) return;
  throw new RangeError(`Cannot record ${name} at ${String(atMs)}: give Unix milliseconds`);
}

function closedError(attempted: string): EngineError {
  return new EngineError("closed", `Cannot ${attempted}: telemetry was closed`);
}
