import type { LogEntry, LogStream } from "./log-store.ts";

/** A stream over something that makes batches; each iteration begins anew. */
export function streamOf(make: () => AsyncGenerator<readonly LogEntry[], void, undefined>): LogStream {
  return {
    batches: make,
    async *[Symbol.asyncIterator]() {
      for await (const batch of make()) yield* batch;
    },
  };
}
