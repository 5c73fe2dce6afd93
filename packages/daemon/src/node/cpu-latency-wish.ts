import { invalidSetting, rootsSetting } from "./setting-error.ts";

/** No processor sleeps so deeply that it needs longer. */
const mostUs = 1_000_000;

/**
 * `CONSTELLATION_CPU_LATENCY`: within how many µs every processor must be awake while the daemon runs; 0 keeps them from
 * sleeping at all, which costs electricity, and on a machine that others share its idle time. Nothing: as the machine does it.
 *
 * @returns microseconds; null: nothing was asked for
 * @throws ConstellationError `usage.invalid`, `access.denied`
 */
export function cpuLatencyWish(environment: NodeJS.ProcessEnv, userId: number): number | null {
  const wish = environment["CONSTELLATION_CPU_LATENCY"] || null;
  if (wish === null) return null;
  if (!/^\d{1,7}$/.test(wish) || Number(wish) > mostUs)
    throw invalidSetting("CONSTELLATION_CPU_LATENCY", wish, `microseconds, from 0 to ${mostUs}`);
  if (userId !== 0)
    throw rootsSetting("CONSTELLATION_CPU_LATENCY", "Cannot keep processors awake: only root may ask for it");
  return Number(wish);
}
