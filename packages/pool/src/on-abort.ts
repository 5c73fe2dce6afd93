/** Who is told when a signal aborts, and how that is heard. */
interface Watch {
  readonly listeners: Set<() => void>;
  readonly tell: () => void;
}

const watches = new WeakMap<AbortSignal, Watch>();

/**
 * Calls `listener` when `signal` aborts, unless what this returns is called before. However many wait for one signal, it has
 * one listener of ours: Node warns of more than ten, and looks through all of them to add one.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const watch = watches.get(signal) ?? watchOf(signal);
  watch.listeners.add(listener);
  return () => {
    watch.listeners.delete(listener);
    if (watch.listeners.size > 0) return;
    // Node keeps a signal with a listener in memory until its time is over.
    signal.removeEventListener("abort", watch.tell);
    watches.delete(signal);
  };
}

function watchOf(signal: AbortSignal): Watch {
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const watch = { listeners, tell };
  watches.set(signal, watch);
  signal.addEventListener("abort", tell, { once: true });
  return watch;
}
