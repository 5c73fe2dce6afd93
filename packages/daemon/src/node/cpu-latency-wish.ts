import { ConstellationError } from "@constellation/contract";

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
    throw new ConstellationError(
      "usage.invalid",
      `CONSTELLATION_CPU_LATENCY is ${JSON.stringify(wish)}; wanted microseconds, from 0 to ${mostUs}`,
    );
  if (userId !== 0)
    throw new ConstellationError("access.denied", "Cannot keep processors awake: only root may ask for it", {
      remedy: "Start the daemon as root, or leave CONSTELLATION_CPU_LATENCY out.",
    });
  return Number(wish);
}
