import { ConstellationError } from "@constellation/contract";
import { longestTimeoutMs } from "@constellation/host";

/** Calls `changed` whenever it may be worth looking again; returns how to stop. */
export type Subscribe = (changed: () => void) => () => unknown;

/**
 * Waits until `check` holds, looking again at every change.
 *
 * @throws ConstellationError `call.timeout` with the words of `late`
 */
export async function until(
  check: () => boolean,
  subscribe: readonly Subscribe[],
  timeoutMs: number,
  late: () => string,
): Promise<void> {
  if (check()) return;
  await new Promise<void>((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      for (const stop of stops) stop();
      settle();
    };
    const giveUp = (): void => end(() => reject(new ConstellationError("call.timeout", late())));
    const timer = setTimeout(giveUp, Math.min(timeoutMs, longestTimeoutMs));
    const look = (): void => {
      if (check()) end(resolve);
    };
    const stops = subscribe.map((on) => on(look));
    look();
  });
}
