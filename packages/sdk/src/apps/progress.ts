import { setTimeout as sleep } from "node:timers/promises";
import type { AppSummary, Event, Instance } from "@constellation/contract";

/** Apps and their instances at one moment. */
export interface Snapshot {
  readonly apps: readonly AppSummary[];
  readonly instances: readonly Instance[];
}

/** Where snapshots come from. */
export interface ProgressSource {
  snapshot(signal: AbortSignal): Promise<Snapshot>;
  events(signal: AbortSignal): AsyncIterable<Event>;
  /** Whether a probe says of this app's instances that they are ready; otherwise they are as soon as they run. */
  probed(app: string, signal: AbortSignal): Promise<boolean>;
}

/** Events closer together than this share one look. */
const gatherMs = 25;
/** A look without an event, should one be missed. */
const lookEveryMs = 1000;

/** A snapshot at once, and a new one whenever something happens, until the loop is left or `signal` aborts. */
export async function* watchProgress(
  source: ProgressSource,
  signal: AbortSignal,
): AsyncGenerator<Snapshot, void, undefined> {
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  let happened = false;
  let wake = (): void => undefined;
  const listening = listen(source, until, () => {
    happened = true;
    wake();
  });
  listening.catch(() => wake());
  try {
    while (!signal.aborted) {
      happened = false;
      yield await source.snapshot(until);
      const next = new AbortController();
      wake = () => next.abort();
      if (!happened) await pause(lookEveryMs, AbortSignal.any([until, next.signal]));
      if (happened) await pause(gatherMs, until);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stop.abort();
  }
}

async function listen(source: ProgressSource, signal: AbortSignal, told: () => void): Promise<void> {
  for await (const _ of source.events(signal)) told();
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
