export type LogStreamName = "stdout" | "stderr";

/** A place in one instance's log: everything up to and including one entry. JSON; its meaning is the adapter's. */
export interface LogCursor {
  readonly file: number;
  readonly end: number;
  readonly time: string;
}

/** One line that an instance wrote. */
export interface LogLine {
  readonly kind: "line";
  readonly instance: string;
  /** RFC 3339 in UTC with nine digits of fraction, so that text order is time order. */
  readonly time: string;
  readonly stream: LogStreamName;
  /** Without the line end. */
  readonly text: string;
  /** The line goes on in the next entry of the stream: it was too long, or the rest was not written yet. */
  readonly continues: boolean;
  readonly cursor: LogCursor;
}

/** Lines that cannot be given any more. */
export interface LogGap {
  readonly kind: "gap";
  readonly instance: string;
  /** Time of the line before. */
  readonly time: string;
  /** At least so many bytes; 0 when it is not known how many, or whether any. */
  readonly gapBytes: number;
  /** `rotated`: removed before they were read; `malformed`: what is there is no log line. */
  readonly why: "rotated" | "malformed";
  readonly cursor: LogCursor;
}

export type LogEntry = LogLine | LogGap;

/** Which logs; everything when empty. */
export interface LogFilter {
  /** Exactly these. */
  readonly instances?: readonly string[];
  /** Those of this name or below it: "web" means "web", "web.1", "web.2". */
  readonly under?: string;
  readonly stream?: LogStreamName;
}

export interface LogQuery extends LogFilter {
  /** From this time on, Unix milliseconds. */
  readonly sinceMs?: number;
  /** Up to and including this time, Unix milliseconds. */
  readonly untilMs?: number;
  /** Only the last so many lines of the range, of all instances together. */
  readonly tail?: number;
  /** Only the first so many lines of the range. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export interface LogFollow extends LogFilter {
  /** Where to begin: with the last so many lines, at a time, after cursors (by instance; others from their beginning). @default `{ tail: 0 }` */
  readonly from?:
    | { readonly tail: number }
    | { readonly sinceMs: number }
    | { readonly after: Readonly<Record<string, LogCursor>> };
  readonly signal?: AbortSignal;
}

/** Entries in order of time; iterate them one by one, or in batches where speed counts. Ends quietly on abort. */
export interface LogStream extends AsyncIterable<LogEntry> {
  batches(): AsyncIterable<readonly LogEntry[]>;
}

/** What is appended; text with line ends becomes several lines. */
export interface NewLogLine {
  readonly stream: LogStreamName;
  readonly text: string;
}

/** What is old enough to be removed, of all logs or of some. */
export interface LogPrune extends Pick<LogFilter, "instances" | "under"> {
  /** Unix milliseconds. */
  readonly olderThanMs: number;
  /** Nobody writes to these logs any more: what is being written to goes, too. @default false */
  readonly ended?: boolean;
}

export interface Pruned {
  readonly files: number;
  readonly bytes: number;
}

/**
 * What instances wrote. Instance names are tokens of `[A-Za-z0-9_-]` joined with `.`.
 * Readers hold a bounded amount in memory: one that is slower than the writer gets gaps.
 */
export interface LogStore {
  /** Adds lines with the present time. Not for instances whose supervisor writes the log itself. @throws EngineError `bad-key`, `unavailable`, `closed` */
  append(instance: string, lines: readonly NewLogLine[]): Promise<void>;
  /** What is there now. @throws EngineError `bad-key`, `unavailable`, `closed`; RangeError for impossible bounds */
  query(query: LogQuery): LogStream;
  /** What is there and what follows, of instances that come later too, until aborted. @throws as {@link query} */
  follow(follow: LogFollow): LogStream;
  /** Names of all instances that have a log, ordered. */
  instances(): Promise<string[]>;
  /** Removes what was last written before the time; the file being written stays while somebody may write to it. @throws EngineError `bad-key`, `unavailable`, `closed` */
  prune(options: LogPrune): Promise<Pruned>;
  /** Removes all logs of an instance that will not write any more. */
  remove(instance: string): Promise<void>;
}

/** A log store together with what only its owner may do. */
export interface OwnedLogStore extends LogStore {
  close(): Promise<void>;
}
