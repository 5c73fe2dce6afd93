import type { GuardGauge } from "../gauge/gauge.ts";
import { nextIntervalMs } from "../gauge/interval.ts";
import { boundsOf, calm, decide, type GuardSample, type PolicyState } from "../policy/level.ts";
import type { PolicySettings } from "../policy/settings.ts";

export interface WatchEvents {
  readonly sampled: (sample: GuardSample, state: PolicyState) => void;
  readonly changed: (state: PolicyState) => void;
  /** The machine cannot be looked at any more: nothing is watched from then on. */
  readonly failed: (error: unknown) => void;
}

/** Samples as often as the headroom asks for, until it is stopped. */
export function watchMachine(
  gauge: GuardGauge,
  settings: PolicySettings,
  events: WatchEvents,
  { shielded, mostMs }: { readonly shielded: () => readonly string[]; readonly mostMs: number },
): { readonly stop: () => void } {
  let state = calm;
  let timer: NodeJS.Timeout | undefined;
  const tick = (): void => {
    try {
      look();
    } catch (error) {
      events.failed(error);
    }
  };
  const look = (): void => {
    const sample = { ...gauge.read(), shielded: shielded() };
    const next = decide(state, sample, settings);
    const changed = next.level !== state.level || next.cause !== state.cause;
    state = next;
    events.sampled(sample, state);
    if (changed) events.changed(state);
    const waits = boundsOf(sample, settings).map(({ name, limitBytes, usedBytes }) =>
      nextIntervalMs(limitBytes - usedBytes, state.growth[name] ?? 0, { leastMs: 100, mostMs }),
    );
    timer = setTimeout(tick, Math.min(mostMs, ...waits));
  };
  timer = setTimeout(tick, 0);
  return { stop: () => clearTimeout(timer) };
}
