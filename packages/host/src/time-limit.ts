/** `setTimeout` fires at once beyond that, 25 days. */
export const longestTimeoutMs = 2 ** 31 - 1;

/**
 * A signal that aborts after `timeoutMs`, or with `signal`. Node 20 forgets a time limit that only `AbortSignal.any` knows, as
 * soon as it collects garbage: what waits for it would wait for ever. One that somebody listens to stays.
 */
export function timeLimit(timeoutMs: number, signal?: AbortSignal): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  if (signal === undefined) return timeout;
  timeout.addEventListener("abort", () => undefined, { once: true });
  return AbortSignal.any([signal, timeout]);
}
