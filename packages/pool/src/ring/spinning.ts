import { availableParallelism } from "node:os";

/**
 * How often a side looks before it sleeps, unless told otherwise: about as long as to be woken takes (15 to 30 µs).
 * Then waiting never costs more than twice what the better of looking and sleeping would have cost. With one core the
 * other side cannot go on while we look.
 */
export const defaultSpins = availableParallelism() > 1 ? 2000 : 0;
