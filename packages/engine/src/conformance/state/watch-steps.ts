import assert from "node:assert/strict";
import type { Rev, StateStore, WatchEvent } from "../../state/store.ts";
import { utf8 } from "../runner.ts";

/** A watch that is read step by step. */
export interface Watching {
  readonly iterator: AsyncIterator<WatchEvent>;
  stop(): Promise<void>;
}

/** Watches a prefix from a revision on. */
export function iterate(store: StateStore, prefix: string, from: Rev): Watching {
  const abort = new AbortController();
  const iterator = store.watch(prefix, from, { signal: abort.signal })[Symbol.asyncIterator]();
  return {
    iterator,
    async stop() {
      abort.abort();
      await iterator.return?.();
    },
  };
}

/** The next event of a watch: its revision and changes as `key=text`, or that it begins anew. */
export async function next({ iterator }: Watching): Promise<[Rev, string[]] | ["resync", Rev]> {
  const { value, done } = await iterator.next();
  assert.notEqual(done, true, "the watch ended");
  const event = value as WatchEvent;
  if (event.resync) return ["resync", event.rev];
  return [event.rev, event.changes.map(({ key, value }) => `${key}=${utf8.text(value) ?? "-"}`)];
}
