import type { Channel } from "../channel.ts";

/**
 * Loaded once by every worker while it warms up, the way a leased worker loads its module: the first time costs a
 * millisecond more than all later ones, as Node's loader and our own code are compiled when they are first used.
 */
export default function rehearse(_channel: Channel, data: unknown): unknown {
  return data;
}
