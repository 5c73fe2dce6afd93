/** New tests are held back for no longer than this at a time, in milliseconds. */
export const mostHoldMs = 5000;
/** Fresh holds are at least this long, so that they do not flutter. */
const leastHoldMs = 1000;
/** Of the time that tests are not held, so much is gained for holding them: a fifth of all time at most. */
const gain = 0.25;

/** Whether new tests are held back, and for how much longer they may be. */
export interface HoldState {
  readonly isHolding: boolean;
  readonly leftMs: number;
  readonly atMs: number | undefined;
}

/** Before the first sample. */
export const noHold: HoldState = { isHolding: false, leftMs: mostHoldMs, atMs: undefined };

/**
 * Holding tests back helps while memory is about to be given back. Where it stays as it is (a laptop that is always three
 * quarters full) it only takes time: tests are held for 5 s at once and for a fifth of the time in the long run.
 */
export function decideHold(state: HoldState, wants: boolean, atMs: number): HoldState {
  const passedMs = Math.max(0, atMs - (state.atMs ?? atMs));
  const changed = state.leftMs + (state.isHolding ? -passedMs : passedMs * gain);
  const leftMs = Math.min(mostHoldMs, Math.max(0, changed));
  const isHolding = wants && leftMs > 0 && (state.isHolding || leftMs >= leastHoldMs);
  return { isHolding, leftMs, atMs };
}
