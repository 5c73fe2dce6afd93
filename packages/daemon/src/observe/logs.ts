import { ConstellationError, type LogLine, type LogsQuery } from "@constellation/contract";
import type { LogEntry, LogFilter, LogStore, LogStream } from "@constellation/engine";
import type { Following } from "./while-there.ts";

/**
 * Lines of the instances' output, as the API gives them.
 *
 * @param begin told when the reading begins; says how long it goes on
 */
export async function* readLogs(
  store: LogStore,
  query: LogsQuery,
  begin: () => Following,
): AsyncGenerator<LogLine, void, undefined> {
  const filter: LogFilter = {
    ...(query.instance === undefined ? {} : { instances: [query.instance] }),
    ...(query.app === undefined || query.instance !== undefined ? {} : { under: query.app }),
    ...(query.stream === undefined ? {} : { stream: query.stream }),
  };
  const { signal, forget } = begin();
  try {
    for await (const entry of query.follow === true
      ? following(store, filter, query, signal)
      : past(store, filter, query, signal))
      yield toLine(entry);
  } finally {
    forget();
  }
}

function past(store: LogStore, filter: LogFilter, { since, tail }: LogsQuery, signal: AbortSignal): LogStream {
  return store.query({
    ...filter,
    signal,
    ...(since === undefined ? {} : { sinceMs: since }),
    ...(tail === undefined ? {} : { tail }),
  });
}

function following(store: LogStore, filter: LogFilter, { since, tail }: LogsQuery, signal: AbortSignal): LogStream {
  if (since !== undefined && tail !== undefined)
    throw new ConstellationError("request.invalid", "Cannot follow logs from a time and from the last lines at once", {
      remedy: "Give either since or tail.",
    });
  const from = since === undefined ? { tail: tail ?? 0 } : { sinceMs: since };
  return store.follow({ ...filter, signal, from });
}

function toLine(entry: LogEntry): LogLine {
  const app = entry.instance.slice(0, entry.instance.lastIndexOf("."));
  const common = { app, instance: entry.instance, time: entry.time };
  if (entry.kind === "gap") return { ...common, stream: "stdout", text: "", gapBytes: entry.gapBytes };
  return { ...common, stream: entry.stream, text: entry.text };
}
