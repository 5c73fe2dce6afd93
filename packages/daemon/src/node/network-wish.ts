import { invalidSetting, rootsSetting } from "./setting-error.ts";

/** What a daemon may do to its machine's network. */
export type NetworkWish = "prepare" | "as-is";

/**
 * `CONSTELLATION_NETWORK`. `prepare`: switch forwarding on and translate addresses, so that the private networks of instances
 * reach the world; needs root. `as-is`, or nothing: leave the machine's network alone.
 *
 * @throws ConstellationError `usage.invalid`, `access.denied`
 */
export function networkWish(environment: NodeJS.ProcessEnv, userId: number): NetworkWish {
  const wish = environment["CONSTELLATION_NETWORK"] || "as-is";
  if (wish !== "prepare" && wish !== "as-is")
    throw invalidSetting("CONSTELLATION_NETWORK", wish, '"prepare" or "as-is"');
  if (wish === "prepare" && userId !== 0)
    throw rootsSetting("CONSTELLATION_NETWORK", "Cannot prepare the machine's network: only root may change it");
  return wish;
}
