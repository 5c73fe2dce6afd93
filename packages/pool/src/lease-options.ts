import type { WhenGone } from "./options.ts";
import type { Placement } from "./placement.ts";

/** Settings of one lease. */
export interface LeaseOptions {
  /** Gives up waiting. */
  readonly signal?: AbortSignal;
  /** What to do when no spare is left. @default what the pool says */
  readonly whenGone?: WhenGone;
  /** In a pool of several placements: of which module or placement the worker is to be. */
  readonly module?: string;
  readonly placement?: Placement;
  /** "realtime": admitted only when the tick budget allows it; other work is niced meanwhile. @default "normal" */
  readonly tier?: "normal" | "realtime";
  /** What a real-time lease needs of each tick, in ms. */
  readonly costMs?: number;
}
