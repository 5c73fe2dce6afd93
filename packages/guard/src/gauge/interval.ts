/** One Node process fills this much memory per millisecond (2 GiB/s measured), so a sample must never assume less. */
export const fastestFillBytesPerMs = (2.5 * 1024 ** 3) / 1000;

export interface IntervalBounds {
  /** @default 100 */
  readonly leastMs: number;
  /** @default 1000 */
  readonly mostMs: number;
}

/**
 * How long the next sample may wait: a quarter of the time in which the fastest known filler, or what grows now if that is
 * faster, would use up the headroom. The idea is earlyoom's (sleep = headroom / fill rate). Half of the least where that
 * filler needs less than the least; a fifth while what grows now would be through within four of it: whoever looks seldom
 * must stop early, and stops what would have stayed within the bound.
 */
export function nextIntervalMs(
  headroomBytes: number,
  growthBytesPerMs: number,
  { leastMs, mostMs }: IntervalBounds = { leastMs: 100, mostMs: 1000 },
): number {
  const room = Math.max(0, headroomBytes);
  const fullMs = room / Math.max(fastestFillBytesPerMs, growthBytesPerMs);
  const isUrgent = growthBytesPerMs > 0 && room / growthBytesPerMs < 4 * leastMs;
  const floorMs = isUrgent ? leastMs / 5 : fullMs < leastMs ? leastMs / 2 : leastMs;
  return Math.min(mostMs, Math.max(floorMs, fullMs / 4));
}
