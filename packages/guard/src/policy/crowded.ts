import { boundsOf, type GuardSample } from "./level.ts";
import type { PolicySettings } from "./settings.ts";

/** Others must have taken at least this share of a bound before anything is laid at their door. */
const leastShare = 0.1;

/**
 * Whether others are to blame for a level: they have taken memory since the run's first sample, and with what they had then
 * the run would be below its drain share at every bound.
 */
export function isCrowded(first: GuardSample, now: GuardSample, settings: PolicySettings): boolean {
  const { treeBytes } = now;
  if (treeBytes === undefined || first.treeBytes === undefined) return false;
  const others = new Map(first.bounds.map(({ name, usedBytes }) => [name, usedBytes - (first.treeBytes ?? 0)]));
  const bounds = boundsOf(now, settings).map(({ name, limitBytes, usedBytes }) => {
    const before = others.get(name) ?? 0;
    const isOwn = name === "run";
    return {
      fits: treeBytes + (isOwn ? 0 : before) < settings.drainShare * limitBytes,
      taken: isOwn ? 0 : (usedBytes - treeBytes - before) / limitBytes,
    };
  });
  return bounds.every(({ fits }) => fits) && bounds.some(({ taken }) => taken >= leastShare);
}
