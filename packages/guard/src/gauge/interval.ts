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
 * faster, would use up the headroom. The idea is earlyoom's (sleep = headroom / fill rate).
 */
export function nextIntervalMs(
  headroomBytes: number,
  growthBytesPerMs: number,
  { leastMs, mostMs }: IntervalBounds = { leastMs: 100, mostMs: 1000 },
): number {
  const rate = Math.max(fastestFillBytesPerMs, growthBytesPerMs);
  const wait = Math.max(0, headroomBytes) / rate / 4;
  return Math.min(mostMs, Math.max(leastMs, wait));
}
