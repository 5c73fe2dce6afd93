import { type EngineClock, systemClock } from "../clock.ts";
import { EngineError } from "../error.ts";
import { sqlCode, type SqlDriver, SqlFailure } from "../sqlite/database.ts";
import { asEngineError, openOwned, type OwnedDatabase } from "../sqlite/open.ts";
import { type CheckedTxn, checkTxn } from "./check-txn.ts";
import { CommitQueue, Refusal } from "./commit-queue.ts";
import { conflictError } from "./conflict.ts";
import { checkKey, checkPrefix } from "./key.ts";
import { grantedTtlMs, leaseGone, leaseHandle, minLeaseMs } from "./lease.ts";
import { LeaseTimers } from "./lease-timers.ts";
import { LogSync } from "./log-sync.ts";
import { absent } from "./newest-changes.ts";
import { defaultHistory, type HistoryLimits, type OwnedStateStore } from "./owned.ts";
import { revOfChange, StateRows } from "./sqlite-rows.ts";
import { changesPerRev, stateSchema } from "./sqlite-schema.ts";
import type { CallOptions, Change, Item, Lease, Rev, Settlement, Txn, TxnOptions, WatchEvent } from "./store.ts";
import { RecentRevisions } from "./recent-revisions.ts";
import { type Revision, WatchHub } from "./watch-hub.ts";

export interface SqliteStateOptions {
  readonly path: string;
  readonly clock?: EngineClock;
  readonly history?: Partial<HistoryLimits>;
  /** @default the first that this Node has */
  readonly driver?: SqlDriver["name"];
}

/** Commits between two looks at the history's bounds. */
const commitsPerCompaction = 256;
/** Bytes written that bring the next look forward. */
const bytesPerCompaction = 16 * 1024 * 1024;
const leaseRetryMs = 1000;

/**
 * Opens the state file, or creates it.
 * @throws EngineError `unavailable` (another process has it: `holderPid`), `corrupt`, `schema-newer`
 */
export function openSqliteState(options: SqliteStateOptions): SqliteStateStore {
  const { path, driver } = options;
  const database = openOwned({
    path,
    schema: stateSchema,
    // Commits reach the log at once, and the disk by LogSync; SQLite itself syncs around checkpoints.
    synchronous: "NORMAL",
    ...(driver === undefined ? {} : { driver }),
  });
  try {
    return new SqliteStateStore(database, options);
  } catch (error) {
    database.close();
    throw asEngineError(path, `read ${path}`, error);
  }
}

/** Control state in one SQLite file: what is acknowledged is on the disk, and commits that come together share one sync. */
export class SqliteStateStore implements OwnedStateStore {
  readonly capabilities = { multiKeyTxn: true, linearizableRead: true, minLeaseMs, typicalFailoverMs: 0 };
  readonly #database: OwnedDatabase;
  readonly #rows: StateRows;
  readonly #clock: EngineClock;
  readonly #limits: HistoryLimits;
  readonly #leases: LeaseTimers;
  readonly #hub: WatchHub;
  readonly #queue: CommitQueue;
  readonly #sync: LogSync;
  /** Why the disk did not take what was committed: what it holds is unknown from then on, and nothing more is written. */
  #broken: unknown = null;
  #head: Rev;
  #compacted: Rev;
  /** Revisions written by the group that is being committed. */
  #group: Revision[] = [];
  readonly #recent = new RecentRevisions();
  #before: { head: Rev; compacted: Rev };
  #sinceCompaction = { commits: 0, bytes: 0 };
  /** No less than the history's values have; null: to be counted. */
  #historyBytes: number | null = null;
  #closed = false;

  constructor(database: OwnedDatabase, { clock = systemClock, history = {} }: SqliteStateOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#limits = { ...defaultHistory, ...history };
    this.#rows = new StateRows(database);
    this.#head = this.#rows.head();
    this.#compacted = this.#rows.compacted();
    this.#before = { head: this.#head, compacted: this.#compacted };
    this.#hub = new WatchHub({
      head: () => this.#head,
      compacted: () => this.#compacted,
      read: (prefix, after) => this.#changesAfter(prefix, after),
    });
    this.#sync = new LogSync(database.path);
    this.#queue = new CommitQueue({
      commit: (group) => this.#commit(group),
      sync: () => this.#sync.sync(),
      unsynced: (error, token) => this.#unsynced(error, token),
      failed: (error, token) => this.#failure(error, token),
      ended: (outcome) => this.#ended(outcome),
    });
    this.#leases = new LeaseTimers(clock, (id) => this.#expire(id));
    for (const { id, ttl_ms } of this.#rows.leases()) this.#leases.start(String(id), ttl_ms);
  }

  async get(key: string, options?: CallOptions): Promise<Item | null> {
    checkKey(key);
    this.#begin("get", options);
    return this.#reading(`get ${key}`, () => this.#rows.get(key));
  }

  async list(prefix: string, options?: CallOptions): Promise<{ items: Item[]; rev: Rev }> {
    checkPrefix(prefix);
    this.#begin("list", options);
    return this.#reading("list state", () => ({ items: this.#rows.list(prefix), rev: this.#head }));
  }

  async txn(txn: Txn, options: TxnOptions = {}): Promise<Rev> {
    const checked = checkTxn(txn);
    this.#begin("apply a transaction", options);
    const { acknowledge = "durable" } = options;
    return this.#queue.add(() => this.#apply(checked), { token: checked.token, acknowledge });
  }

  async settle(token: string, after: Rev, options?: CallOptions): Promise<Settlement> {
    this.#begin("settle a transaction", options);
    this.#refuseWhenBroken("settle a transaction");
    return this.#reading("settle a transaction", () => {
      const rev = this.#rows.revOfToken(token);
      if (rev !== undefined) return { outcome: "applied", rev };
      return { outcome: after < this.#compacted ? "forgotten" : "not-applied" };
    });
  }

  watch(prefix: string, from: Rev, options?: CallOptions): AsyncIterable<WatchEvent> {
    checkPrefix(prefix);
    this.#begin("watch");
    return this.#hub.watch(prefix, from, options?.signal);
  }

  async lease(ttlMs: number, options?: CallOptions): Promise<Lease> {
    const grantedMs = grantedTtlMs(ttlMs);
    this.#begin("take a lease", options);
    const id = await this.#queue.add(() => this.#rows.addLease(grantedMs));
    this.#leases.start(id, grantedMs);
    return leaseHandle(id, grantedMs, {
      renew: async () => {
        this.#begin("renew a lease");
        if (!this.#leases.renew(id)) throw leaseGone(id, "renew");
      },
      revoke: async () => {
        this.#begin("revoke a lease");
        const wasAlive = this.#leases.has(id);
        this.#leases.stop(id);
        try {
          await this.#queue.add(() => this.#dropLease(id));
        } catch (error) {
          // Its keys are still there: they must go at the latest when its time is over.
          if (wasAlive && !this.#closed) this.#leases.start(id, grantedMs);
          throw error;
        }
      },
    });
  }

  async compact(upTo: Rev): Promise<void> {
    this.#begin("compact");
    await this.#queue.add(() => this.#forget(upTo));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#queue.flush();
    this.#closed = true;
    this.#leases.stopAll();
    this.#hub.end(new EngineError("closed", "Cannot go on watching: the state store was closed"));
    await this.#sync.idle();
    this.#sync.close();
    this.#database.close();
  }

  #begin(attempted: string, options?: CallOptions): void {
    options?.signal?.throwIfAborted();
    if (this.#closed) throw new EngineError("closed", `Cannot ${attempted}: the state store was closed`);
  }

  #reading<T>(attempted: string, read: () => T): T {
    try {
      this.#begin(attempted);
      return read();
    } catch (error) {
      throw asEngineError(this.#database.path, attempted, error);
    }
  }

  #changesAfter(prefix: string, after: Rev): { readonly revisions: readonly Revision[]; readonly upTo: Rev } {
    const recent = this.#recent.after(prefix, after);
    if (recent !== null) return { revisions: recent, upTo: this.#head };
    return this.#reading("watch state", () => this.#rows.changesAfter(prefix, after, this.#head));
  }

  #apply({ expect, put, del, leaseId, token }: CheckedTxn): Rev {
    const current = (key: string): number => revOfChange(this.#rows.newestChange(key));
    const stale = expect.filter(({ key, rev }) => current(key) !== rev);
    if (stale.length > 0) throw new Refusal(conflictError(stale, current));
    if (leaseId !== undefined && !this.#leases.has(leaseId))
      throw new Refusal(leaseGone(leaseId, "apply the transaction"));
    const gone = del.filter((key) => this.#rows.newestChange(key) !== absent);
    const changes = gone.length === 0 ? put : [...put, ...gone.map((key) => ({ key, value: null }))];
    this.#write(changes, leaseId, token);
    return this.#head;
  }

  #write(changes: readonly Change[], leaseId: string | undefined, token: string): void {
    if (changes.length === 0) return;
    const rev = (this.#head + 1) as Rev;
    const lease = leaseId === undefined ? null : Number(leaseId);
    let id = rev * changesPerRev;
    for (const change of changes) {
      const replaced = this.#rows.newestChange(change.key);
      this.#rows.addChange(id, change, lease);
      // Compaction has passed this one while it was current; nobody else will remove it.
      if (replaced !== absent && revOfChange(replaced) <= this.#compacted) this.#rows.removeChange(replaced);
      this.#sinceCompaction.bytes += change.value?.byteLength ?? 0;
      id += 1;
    }
    this.#rows.addTxn(rev, this.#clock.wallMs(), token);
    this.#head = rev;
    this.#group.push({ rev, changes });
  }

  #commit(group: () => void): void {
    // First: who is refused below has to leave everything as it is.
    this.#before = { head: this.#head, compacted: this.#compacted };
    this.#refuseWhenBroken("write state");
    this.#database.transaction(() => {
      group();
      this.#sinceCompaction.commits += this.#group.length;
      const { commits, bytes } = this.#sinceCompaction;
      if (commits >= commitsPerCompaction || bytes >= bytesPerCompaction) this.#compactByLimits();
    });
  }

  #ended(outcome: "committed" | "failed"): void {
    const group = this.#group;
    this.#group = [];
    if (outcome === "failed") {
      this.#head = this.#before.head;
      this.#compacted = this.#before.compacted;
      this.#rows.forgetNewest();
      return;
    }
    for (const revision of group) this.#recent.add(revision);
    for (const revision of group) this.#hub.committed(revision);
  }

  // A failed sync may still leave the commit in the log, to be found after a crash: that outcome is not known.
  #failure(error: unknown, token: string | undefined): unknown {
    const { path } = this.#database;
    if (!(error instanceof SqlFailure) || error.sqlCode !== sqlCode.ioError || token === undefined) {
      return asEngineError(path, "write state", error);
    }
    return new EngineError(
      "unknown",
      `Cannot tell whether transaction ${token} was written to ${path}: ${error.message}`,
      {
        token,
        cause: error,
      },
    );
  }

  #unsynced(error: unknown, token: string | undefined): unknown {
    this.#broken ??= error;
    const { path } = this.#database;
    const why = error instanceof Error ? error.message : String(error);
    return new EngineError("unknown", `Cannot tell whether the last writes are kept by the disk of ${path}: ${why}`, {
      ...(token === undefined ? {} : { token }),
      cause: error,
    });
  }

  // The kernel tells of a failed sync once and may forget the pages: a later sync that succeeds proves nothing.
  #refuseWhenBroken(attempted: string): void {
    if (this.#broken === null) return;
    const text = `Cannot ${attempted}: the disk of ${this.#database.path} failed to keep it; start the daemon again when it is well`;
    throw new EngineError("unavailable", text, { cause: this.#broken });
  }

  #compactByLimits(): void {
    const written = this.#sinceCompaction.bytes;
    this.#sinceCompaction = { commits: 0, bytes: 0 };
    const { revisions, ageMs, bytes } = this.#limits;
    let bound = Math.max(this.#head - revisions, this.#rows.revBefore(this.#clock.wallMs() - ageMs));
    // Counting takes milliseconds in a long history: what is written is added up until it may be too much.
    this.#historyBytes = this.#historyBytes === null ? this.#rows.historyBytes() : this.#historyBytes + written;
    if (this.#historyBytes > bytes) {
      bound = Math.max(bound, this.#rows.revBeyond(bytes));
      this.#historyBytes = null;
    }
    this.#forget(bound as Rev);
  }

  #forget(upTo: Rev): void {
    const bound = Math.min(upTo, this.#head) as Rev;
    if (bound <= this.#compacted) return;
    this.#rows.forget(this.#compacted, bound, this.#head);
    this.#compacted = bound;
  }

  #dropLease(id: string): void {
    const keys = this.#rows.keysOfLease(id);
    this.#rows.removeLease(id);
    for (let index = 0; index < keys.length; index += changesPerRev) {
      const changes = keys.slice(index, index + changesPerRev).map((key) => ({ key, value: null }));
      this.#write(changes, undefined, `lease-${id}`);
    }
  }

  #expire(id: string): void {
    this.#queue
      .add(() => this.#dropLease(id))
      .catch(() => {
        // The disk is full or broken: the keys must still go, as soon as it can be written again.
        if (!this.#closed) this.#clock.after(leaseRetryMs, () => this.#expire(id));
      });
  }
}
