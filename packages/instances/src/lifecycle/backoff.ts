import type { RestartPolicy } from "@constellation/contract";

/**
 * Delay before a restart. The first in a row (`streak` 0) is immediate; then `initial * factor^(streak - 1)`, at most
 * `max`, of which the part `jitter` is drawn by `random` (AWS Architecture Blog, "Exponential Backoff And Jitter").
 */
export function backoffMs(policy: RestartPolicy, streak: number, random: number): number {
  if (streak === 0) return 0;
  const full = Math.min(policy.maxDelayMs, policy.initialDelayMs * policy.factor ** (streak - 1));
  return Math.round(full * (1 - policy.jitter * random));
}

/** Restarts that still count against the intensity. One to come was noted before the clock was set back: nobody knows when it was. */
export function withinPeriod(restartsAt: readonly number[], policy: RestartPolicy, nowMs: number): number[] {
  return restartsAt.filter((at) => at <= nowMs && nowMs - at < policy.periodMs);
}
