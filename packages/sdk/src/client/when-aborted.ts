/** What waits for each signal to abort. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `act` when the signal aborts, at once when it has. However many wait, the signal has one listener: programs give one
 * signal to every call until they end, Node warns of more than ten listeners, and what `AbortSignal.any` makes of a signal is
 * kept for as long as that signal on Node 20.
 *
 * @returns to be called when the signal matters no more
 */
export function whenAborted(signal: AbortSignal | undefined, act: () => void): () => void {
  if (signal === undefined) return () => undefined;
  if (signal.aborted) {
    act();
    return () => undefined;
  }
  // A function that is given twice waits twice.
  const once = (): void => act();
  const acts = waiting.get(signal) ?? listenTo(signal);
  acts.add(once);
  return () => {
    acts.delete(once);
  };
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const acts = new Set<() => void>();
  waiting.set(signal, acts);
  signal.addEventListener("abort", () => acts.forEach((act) => act()), { once: true });
  return acts;
}
