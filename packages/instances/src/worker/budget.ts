import { readSystemMemory, type SystemMemory } from "@constellation/host";

/** What a warm Node that waits is charged with, rounded up. */
export const spareBytes = 16 * 2 ** 20;
/** Part of the memory that is free at the time, which waiting programs may take. */
const share = 0.02;
const mostByDefault = 4;
/** Below this nothing waits: an instance needs the memory more than its start needs the speed. */
const leastAvailableBytes = 256 * 2 ** 20;

/**
 * How many programs may wait on this machine: 2 % of the memory that is available, at least one and at most four.
 *
 * @param wanted the user's own number; 0: none
 */
export function spareBudget(
  wanted: number | "auto",
  { availableBytes }: Pick<SystemMemory, "availableBytes"> = readSystemMemory(),
): number {
  if (availableBytes < leastAvailableBytes) return 0;
  if (wanted !== "auto") return wanted;
  return Math.min(mostByDefault, Math.max(1, Math.floor((availableBytes * share) / spareBytes)));
}
