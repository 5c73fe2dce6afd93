/**
 * A run's CPU since the last look, as a share of the CPUs that it may use: a quota or a CPU set is full long before the
 * machine is. `usedUs`: CPU time so far in microseconds; undefined where it is not known, then the share is 0.
 */
export function openOwnShare(usedUs: () => number | undefined, cores: number): (atMs: number) => number {
  let last: { readonly atMs: number; readonly usedUs: number } | undefined;
  return (atMs) => {
    const now = usedUs();
    if (now === undefined) return 0;
    const before = last;
    last = { atMs, usedUs: now };
    if (before === undefined || atMs <= before.atMs) return 0;
    return Math.min(1, Math.max(0, (now - before.usedUs) / ((atMs - before.atMs) * 1000 * Math.max(0.01, cores))));
  };
}
