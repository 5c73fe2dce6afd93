/** A wait that grows with each restart in a row: `initialMs * factor^n`, at most `maxMs`, less a random share. */
export interface BackoffOptions {
  /** Wait before the first restart. */
  readonly initialMs: number;
  /** No wait is longer. */
  readonly maxMs: number;
  /** @default 2 */
  readonly factor?: number;
  /** Share of the wait that chance takes away, so that many children do not restart together; 0 for none. @default 0.2 */
  readonly jitter?: number;
  /** A child that ran this long starts again from `initialMs`. @default maxMs */
  readonly resetAfterMs?: number;
}

/** The wait before restart number `restart` in a row, counted from 0. `random` is in [0, 1). */
export function backoffMs(options: BackoffOptions, restart: number, random: number): number {
  const { initialMs, maxMs, factor = 2, jitter = 0.2 } = options;
  const fullMs = Math.min(maxMs, initialMs * factor ** restart);
  return fullMs * (1 - jitter * random);
}
