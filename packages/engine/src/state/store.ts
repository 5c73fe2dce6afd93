declare const revBrand: unique symbol;

/**
 * A revision of the store: opaque, and ordered within one store (`<`, `>` and `===` work).
 * Every transaction that changes something gets the next one. It survives JSON; read it back with {@link toRev}.
 */
export type Rev = number & { readonly [revBrand]: "Rev" };

/** The revision before the first change. */
export const beginning: Rev = 0 as Rev;

/**
 * Reads a revision that was stored or sent.
 * @throws RangeError when it is no whole number ≥ 0
 */
export function toRev(value: number): Rev {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`Cannot read revision ${String(value)}: it must be a whole number from 0 up`);
  }
  return value as Rev;
}

/** A key with its value, and the revision that last wrote it. */
export interface Item {
  readonly key: string;
  readonly value: Uint8Array;
  readonly rev: Rev;
}

/** What must hold for a transaction to be applied: the key's revision, or 0 = the key must not exist. */
export interface Expectation {
  readonly key: string;
  readonly rev: Rev | 0;
}

/** A key and the value to write under it, at most {@link stateLimits.valueBytes}. */
export interface Write {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Several expectations and writes that are applied together or not at all. */
export interface Txn {
  readonly expect?: readonly Expectation[];
  readonly put?: readonly Write[];
  /** Keys to remove; removing one that does not exist changes nothing. */
  readonly del?: readonly string[];
  /** The lease that every `put` of this transaction shall belong to; without one the keys stay until deleted. */
  readonly lease?: Lease;
  /** Names this transaction for {@link StateStore.settle}. @default a fresh one */
  readonly token?: string;
}

/** One change of one key; `value` null means that it was deleted. */
export interface Change {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/**
 * What a watch yields: all changes of one transaction under the prefix together, or `resync`:
 * the history since the asked revision is gone. After a resync list the prefix, then go on reading the same watch
 * and skip events whose `rev` is not above the list's.
 */
export type WatchEvent =
  | { readonly resync: false; readonly rev: Rev; readonly changes: readonly Change[] }
  | { readonly resync: true; readonly rev: Rev };

/** Keys that vanish together when their owner no longer renews them. Never used to detect that a node is lost. */
export interface Lease {
  readonly id: string;
  readonly ttlMs: number;
  /** Starts the time to live again. @throws EngineError `conflict` when the lease has expired or was revoked */
  renew(): Promise<void>;
  /** Deletes the lease and its keys now; nothing happens when it is gone already. */
  revoke(): Promise<void>;
}

/** How the outcome of a transaction that ended `unknown` is settled. */
export type Settlement =
  | { readonly outcome: "applied"; readonly rev: Rev }
  | { readonly outcome: "not-applied" }
  /** The history since `after` is gone, and the token may have gone with it: read the keys and decide by them. */
  | { readonly outcome: "forgotten" };

/** What an adapter can do, for callers that must choose. */
export interface StateCapabilities {
  readonly multiKeyTxn: boolean;
  /** Whether a read sees every write acknowledged before it, from any client. */
  readonly linearizableRead: boolean;
  readonly minLeaseMs: number;
  /** Writes are out for about this long when the store's leader is lost; 0 for one machine. */
  readonly typicalFailoverMs: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/**
 * When a transaction is answered. `durable`: a power cut cannot undo it. `visible`: every reader sees it and it outlives
 * this process, but a power cut soon after may undo it; whatever is durable later carries it along. For intents whose
 * action a power cut undoes as well. Stores that know no such difference are always durable.
 */
export type Acknowledge = "durable" | "visible";

export interface TxnOptions extends CallOptions {
  /** @default "durable" */
  readonly acknowledge?: Acknowledge;
}

/**
 * Control state: a flat map of keys to small values with transactions, history and watches.
 * Keys are tokens of `[A-Za-z0-9_-]` joined with `.`; a prefix is a key and means itself and everything below it,
 * the empty prefix means everything. Decide only by what a transaction's expectations confirm.
 */
export interface StateStore {
  readonly capabilities: StateCapabilities;

  /** The key's value, or null when it does not exist. @throws EngineError `unavailable`, `bad-key`, `corrupt`, `closed` */
  get(key: string, options?: CallOptions): Promise<Item | null>;

  /** Everything under the prefix as of one revision, ordered by key. @throws as {@link get} */
  list(prefix: string, options?: CallOptions): Promise<{ readonly items: readonly Item[]; readonly rev: Rev }>;

  /**
   * Applies the transaction and returns its revision, durable when it resolves unless asked otherwise. Watches and
   * reads may see it a moment before. When it changes nothing
   * (no writes, or only deletions of absent keys) the current revision is returned and no token is kept.
   * @throws EngineError `conflict`, `unavailable`, `unknown`, `too-large`, `bad-key`, `corrupt`, `closed`
   */
  txn(txn: Txn, options?: TxnOptions): Promise<Rev>;

  /**
   * Learns what became of a transaction that ended `unknown`. `after` is any revision seen before it was sent,
   * for instance the newest that it expected; it bounds how far back the answer is looked for.
   * @throws EngineError `unavailable`, `closed`
   */
  settle(token: string, after: Rev, options?: CallOptions): Promise<Settlement>;

  /**
   * Every change under the prefix after revision `from`, gap-free and in order, until the signal aborts or the
   * loop is left. Pass the `rev` of a {@link list}, or of the last event handled, to resume.
   * A `from` that the store has never reached also answers `resync`.
   * @throws EngineError `unavailable`, `bad-key`, `corrupt`, `closed`
   */
  watch(prefix: string, from: Rev, options?: CallOptions): AsyncIterable<WatchEvent>;

  /** A new lease. After a restart of the store every lease starts its whole time again. @throws EngineError `unavailable`, `closed` */
  lease(ttlMs: number, options?: CallOptions): Promise<Lease>;
}
