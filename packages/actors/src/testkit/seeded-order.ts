import type { SliceLimits } from "../run/run-queue.ts";
import { generator } from "./generator.ts";

/**
 * Lets ready actors run in an order drawn from `seed`, one message at a time: races show, and show again with the same
 * seed. The order of messages between two actors stays as promised.
 *
 * @example
 * const system = new ActorSystem({ host: new ManualHost(), slice: seededOrder(42) });
 */
export function seededOrder(seed: number): SliceLimits {
  return { messages: 64, durationMs: Infinity, perActor: 1, draw: generator(seed) };
}
