import type { Rev, StateStore } from "../../state/store.ts";
import type { Opened } from "../runner.ts";

/** A store under test. */
export interface StateSubject extends Opened {
  /** The store; another object after a restart. */
  readonly store: StateStore;
  /** Lets time pass for leases, by moving a clock or by waiting. */
  readonly passMs: (ms: number) => Promise<void>;
  /** Forgets history up to the revision. */
  readonly compact: (upTo: Rev) => Promise<void>;
  /** Ends the store and starts it again on the same data; absent where nothing survives. */
  readonly restart?: () => Promise<void>;
}

/** Registers one case over a store of its own. */
export type Check = (name: string, run: (subject: StateSubject) => Promise<void>) => void;
