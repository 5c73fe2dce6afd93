/** Something that happened, as it is recorded. */
export interface NewEvent {
  /** What happened, such as `instance.exited`: tokens joined with `.`. */
  readonly kind: string;
  /** Whom it concerns, such as `web.1`; empty = the node. */
  readonly subject: string;
  /** Facts about it: JSON. @default null */
  readonly body?: unknown;
  /** Unix milliseconds. @default now */
  readonly atMs?: number;
}

/** A recorded event; `sequence` rises by one with each. */
export interface StoredEvent {
  readonly sequence: number;
  readonly atMs: number;
  readonly kind: string;
  readonly subject: string;
  readonly body: unknown;
}

export interface EventQuery {
  /** Only events after this sequence. @default from the oldest kept */
  readonly after?: number;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Subjects of this name or below it: "web" means "web", "web.1", "web.2". */
  readonly under?: string;
  /** Exactly these kinds. */
  readonly kinds?: readonly string[];
  /** The last so many, instead of the first {@link EventQuery.limit}. */
  readonly tail?: number;
  /** @default 1000 */
  readonly limit?: number;
}

export interface EventFollow extends Pick<EventQuery, "after" | "under" | "kinds"> {
  readonly signal?: AbortSignal;
}

/** How the values within one step become one. */
export type Aggregate = "average" | "minimum" | "maximum" | "last" | "sum" | "count";

export interface MetricQuery {
  readonly series: string;
  readonly fromMs: number;
  /** Exclusive. */
  readonly untilMs: number;
  /** Width of one value in the answer; at most 11,000 steps. */
  readonly stepMs: number;
  /** @default `average` */
  readonly aggregate?: Aggregate;
}

export interface MetricRange {
  /** When the first step begins. */
  readonly fromMs: number;
  readonly stepMs: number;
  /** One per step; null where there was no sample. */
  readonly values: readonly (number | null)[];
}

/** What could not be recorded since the start. */
export interface TelemetryLosses {
  /** Events that found the queue full. */
  readonly events: number;
  /** Samples of too many series, a little older than the ones before them, or left over by a disk that took nothing for long. */
  readonly samples: number;
  /** What the last failed write said, or null. */
  readonly lastFailure: string | null;
}

/** Events and metrics: written without waiting, kept for a while, allowed to lose the last moments in a crash. */
export interface Telemetry {
  /** Queues an event; a full queue drops and counts it. @throws EngineError `bad-key`, `too-large` (body above 64 KB), `closed`; RangeError for an impossible time */
  record(event: NewEvent): void;
  /** Queues a value of a series (tokens joined with `.`, such as `web.1.cpu`). @throws EngineError `bad-key`, `closed`; RangeError unless finite */
  sample(series: string, value: number, atMs?: number): void;
  /** Recorded events in order, those just queued included. @throws EngineError `unavailable`, `closed` */
  events(query?: EventQuery): Promise<StoredEvent[]>;
  /** Events after `after` (@default those from now on) as they come, until aborted. */
  follow(follow?: EventFollow): AsyncIterable<StoredEvent>;
  /** A series' values in steps. @throws RangeError for impossible bounds; EngineError `unavailable`, `closed` */
  metric(query: MetricQuery): Promise<MetricRange>;
  /** Names of the series of this name or below it that have samples, ordered. */
  series(under?: string): Promise<string[]>;
  losses(): TelemetryLosses;
}

/** Telemetry together with what only its owner may do. */
export interface OwnedTelemetry extends Telemetry {
  /** Writes everything that waits. */
  flush(): Promise<void>;
  close(): Promise<void>;
}
