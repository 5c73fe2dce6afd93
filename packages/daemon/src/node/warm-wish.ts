import { invalidSetting } from "./setting-error.ts";

/** A machine of this size could hold more, but nobody starts so many at once. */
const most = 1000;

/**
 * `CONSTELLATION_WARM`: how many Nodes may wait for scripts, each of some 10 MB; 0 switches warm starts off. `auto`, or
 * nothing: 2 % of the memory that is available, 1 to 4.
 *
 * @throws ConstellationError `usage.invalid`
 */
export function warmWish(environment: NodeJS.ProcessEnv): number | "auto" {
  const wish = environment["CONSTELLATION_WARM"] || "auto";
  if (wish === "auto") return wish;
  if (/^\d{1,4}$/.test(wish) && Number(wish) <= most) return Number(wish);
  throw invalidSetting("CONSTELLATION_WARM", wish, `a number from 0 to ${most}, or "auto"`);
}
