import type { LogCursor, LogEntry, LogFilter, LogFollow, LogQuery } from "./log-store.ts";
import { type EntrySource, LogMerge } from "./merge.ts";
import { TailRing } from "./tail-ring.ts";

/** Where in an instance's log reading begins. */
export type LogStart =
  | { readonly kind: "beginning" }
  | { readonly kind: "time"; readonly sinceMs: number }
  | { readonly kind: "tail"; readonly count: number; readonly untilTime?: string }
  | { readonly kind: "cursor"; readonly cursor: LogCursor };

/** Tells which instances may have written, and when new ones may be there. */
export interface LogWatch {
  add(instance: string): void;
  remove(instance: string): void;
  /** Waits for a change, or for the time to look without one (`looked`). */
  wait(
    signal: AbortSignal,
  ): Promise<{ readonly looked: boolean; readonly listing: boolean; readonly written: ReadonlySet<string> }>;
  close(): void;
}

/** What reading needs from an adapter. */
export interface LogBackend {
  readonly closing: AbortSignal;
  chosen(filter: LogFilter): string[];
  /** A source that ends where the log ends now. */
  forQuery(instance: string, query: LogQuery): EntrySource;
  forFollow(instance: string, start: LogStart, filter: LogFilter): EntrySource;
  watch(): LogWatch;
}

export type Batches = AsyncGenerator<readonly LogEntry[], void, undefined>;

const batchEntries = 1024;
/** Reading is synchronous: after so long others get a turn. */
const turnMs = 8;

/** What is there now, in order of time. */
export async function* queryBatches(query: LogQuery, backend: LogBackend): Batches {
  const stop = stopOf(query.signal, backend);
  const merge = new LogMerge();
  try {
    for (const instance of backend.chosen(query)) merge.add(backend.forQuery(instance, query));
    const ring = query.tail === undefined ? undefined : new TailRing(query.tail);
    let left = query.limit ?? Infinity;
    for await (const batch of passes(merge, stop)) {
      if (ring !== undefined) ring.add(batch);
      else if (batch.length > 0) yield batch.slice(0, left);
      left -= batch.length;
      if (left <= 0) return;
    }
    if (stop.aborted) return;
    const unfinished = merge.unfinished();
    ring?.add(unfinished);
    const last = ring?.take() ?? unfinished.slice(0, left);
    if (last.length > 0) yield last;
  } finally {
    merge.close();
  }
}

/** What is there from the start on, and what follows, until it is stopped. */
export async function* followBatches(follow: LogFollow, backend: LogBackend): Batches {
  const { from = { tail: 0 } } = follow;
  const stop = stopOf(follow.signal, backend);
  const merge = new LogMerge();
  const watch = backend.watch();
  const sources = new Map<string, EntrySource>();
  const discover = (start: (instance: string) => LogStart): void => {
    for (const [instance, source] of sources) {
      if (source.state !== "ended" || source.head !== undefined) continue;
      sources.delete(instance);
      watch.remove(instance);
    }
    for (const instance of backend.chosen(follow)) {
      if (sources.has(instance)) continue;
      // Watched before it is read, so that nothing falls between.
      watch.add(instance);
      const source = backend.forFollow(instance, start(instance), follow);
      sources.set(instance, source);
      merge.add(source);
    }
  };
  try {
    discover((instance) => startOf(from, instance));
    if ("tail" in from) {
      const last = await tailOf(merge, from.tail, sources.size, stop);
      if (last.length > 0) yield last;
    }
    for (let isQuiet = false; !stop.aborted;) {
      for await (const batch of passes(merge, stop)) {
        if (batch.length === 0) continue;
        isQuiet = false;
        yield batch;
      }
      // Nothing for a while: what is unfinished, such as a prompt, should be seen.
      const unfinished = isQuiet && !stop.aborted ? merge.unfinished() : [];
      if (unfinished.length > 0) yield unfinished;
      const { looked, listing, written } = await watch.wait(stop);
      isQuiet = looked;
      if (looked || listing) discover(() => ({ kind: "beginning" }));
      for (const [instance, source] of sources) if (looked || written.has(instance)) source.stir();
    }
  } finally {
    watch.close();
    merge.close();
  }
}

// Batch after batch until nothing more is there now, or so many entries have come.
async function* passes(merge: LogMerge, stop: AbortSignal, most = Infinity): Batches {
  let sinceMs = performance.now();
  for (let left = most; left > 0 && merge.mayHaveMore && !stop.aborted;) {
    const batch = merge.next(Math.min(batchEntries, left));
    left -= batch.length;
    yield batch;
    if (performance.now() - sinceMs < turnMs) continue;
    await new Promise(setImmediate);
    sinceMs = performance.now();
  }
}

// Each source begins with its last lines. What is beyond that number was written meanwhile and is not of the tail: a source
// that is always written to would never come to its end.
async function tailOf(merge: LogMerge, count: number, sources: number, stop: AbortSignal): Promise<LogEntry[]> {
  const ring = new TailRing(count);
  for await (const batch of passes(merge, stop, count * sources)) ring.add(batch);
  return stop.aborted ? [] : ring.take();
}

function startOf(from: NonNullable<LogFollow["from"]>, instance: string): LogStart {
  if ("tail" in from) return { kind: "tail", count: from.tail };
  if ("sinceMs" in from) return { kind: "time", sinceMs: from.sinceMs };
  const cursor = from.after[instance];
  return cursor === undefined ? { kind: "beginning" } : { kind: "cursor", cursor };
}

function stopOf(signal: AbortSignal | undefined, { closing }: LogBackend): AbortSignal {
  return signal === undefined ? closing : AbortSignal.any([signal, closing]);
}
