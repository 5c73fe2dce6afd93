import type { Mirror } from "../state/index.ts";

/** What an app wrote last may still be on its way to whoever follows it. */
const lastWordsMs = 500;

/** How long something is followed. */
export interface Following {
  readonly signal: AbortSignal;
  /** To be called when it is over. */
  readonly forget: () => void;
}

/**
 * Until the caller is gone, or a moment after the app is removed: nothing comes any more, and who follows the apps of a
 * service that come and go would hold a connection for each that ever was.
 *
 * @param app null: all apps are followed, which has no end
 */
export function whileThere(
  app: string | null,
  mirror: Pick<Mirror, "apps" | "onChange">,
  caller: AbortSignal,
): Following {
  if (app === null) return { signal: caller, forget: () => undefined };
  const end = new AbortController();
  const stop = (): void => end.abort();
  let timer: NodeJS.Timeout | null = null;
  const unsubscribe = mirror.onChange(() => {
    if (!mirror.apps.has(app)) timer ??= setTimeout(stop, lastWordsMs);
  });
  caller.addEventListener("abort", stop, { once: true });
  if (caller.aborted) stop();
  return {
    signal: end.signal,
    forget: () => {
      unsubscribe();
      if (timer !== null) clearTimeout(timer);
      caller.removeEventListener("abort", stop);
    },
  };
}
