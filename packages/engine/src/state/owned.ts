import type { Rev, StateStore } from "./store.ts";

/** How much history a store keeps for watches that resume; whatever bound is met first cuts. */
export interface HistoryLimits {
  /** Revisions kept. Raising costs disk; lowering makes a watcher that was away longer start over with a list. @default 10_000 */
  readonly revisions: number;
  /** Age of the oldest kept revision. @default one hour */
  readonly ageMs: number;
  /** Bytes of values kept in history. @default 64 MiB */
  readonly bytes: number;
}

export const defaultHistory: HistoryLimits = { revisions: 10_000, ageMs: 3_600_000, bytes: 64 * 1024 * 1024 };

/** A store together with what only its owner may do. */
export interface OwnedStateStore extends StateStore {
  /** Forgets the history up to and including the revision; current values stay. */
  compact(upTo: Rev): Promise<void>;
  /** Ends every watch with `closed` and lets go of everything. */
  close(): Promise<void>;
}
