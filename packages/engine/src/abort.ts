import { setMaxListeners } from "node:events";

/**
 * Runs something when the signal aborts; the returned function takes that back.
 * One signal may end any number of calls: Node's warning about many listeners would be wrong here.
 */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  if (signal === undefined) return () => undefined;
  setMaxListeners(0, signal);
  signal.addEventListener("abort", run, { once: true });
  return () => signal.removeEventListener("abort", run);
}
