import { getHeapSpaceStatistics } from "node:v8";

/** So long nothing may have happened: longer than the steps of a start are apart. */
const quietMs = 10;
/** Less is not worth a collection: a fourth of the nursery. */
const worthBytes = 256 * 1024;

/**
 * Collects short-lived objects while nobody waits. V8 does it when its nursery of 1 MB is nearly full, and a start fills most
 * of that: the collection would come in the middle of the next start, and its threads would take the processor that the
 * starting program needs. Returns what is to be called whenever something was done. Without Node's `--expose-gc` V8 is left alone.
 */
export function collectWhenQuiet(collect: NodeJS.GCFunction | undefined = globalThis.gc): () => void {
  if (collect === undefined) return () => undefined;
  let timer: NodeJS.Timeout | undefined;
  return () => {
    timer = timer?.refresh() ?? setTimeout(collectIfWorth, quietMs, collect).unref();
  };
}

function collectIfWorth(collect: NodeJS.GCFunction): void {
  const nursery = getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space");
  if (nursery !== undefined && nursery.space_used_size >= worthBytes) collect({ type: "minor", execution: "sync" });
}
