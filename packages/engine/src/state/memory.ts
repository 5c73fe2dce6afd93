import { type EngineClock, systemClock } from "../clock.ts";
import { copied } from "../copied.ts";
import { EngineError } from "../error.ts";
import { type CheckedTxn, checkTxn } from "./check-txn.ts";
import { conflictError } from "./conflict.ts";
import { checkKey, checkPrefix, isUnder } from "./key.ts";
import { grantedTtlMs, leaseGone, leaseHandle, minLeaseMs } from "./lease.ts";
import { LeaseTimers } from "./lease-timers.ts";
import { ownChange } from "./own-change.ts";
import { defaultHistory, type HistoryLimits, type OwnedStateStore } from "./owned.ts";
import type { CallOptions, Change, Item, Lease, Rev, Settlement, Txn, WatchEvent } from "./store.ts";
import { type Revision, WatchHub } from "./watch-hub.ts";

/** What shall go wrong with the next transaction: `unknown` ends with that error, applied or lost. */
export type StateFault = "unavailable" | "unknown-applied" | "unknown-lost";

export interface MemoryStateOptions {
  readonly clock?: EngineClock;
  readonly history?: Partial<HistoryLimits>;
  /** Asked before each transaction; makes failures of a cluster store repeatable. */
  readonly fault?: (txn: Txn) => StateFault | undefined;
}

interface Entry {
  readonly value: Uint8Array;
  readonly rev: Rev;
  readonly leaseId: string | undefined;
}

interface Past extends Revision {
  readonly token: string;
  readonly atMs: number;
  readonly bytes: number;
}

/** A state store in memory, with the semantics of the others and scriptable failures. */
export class MemoryStateStore implements OwnedStateStore {
  readonly capabilities = { multiKeyTxn: true, linearizableRead: true, minLeaseMs, typicalFailoverMs: 0 };
  readonly #clock: EngineClock;
  readonly #limits: HistoryLimits;
  readonly #fault: NonNullable<MemoryStateOptions["fault"]>;
  readonly #entries = new Map<string, Entry>();
  readonly #leases: LeaseTimers;
  readonly #past: Past[] = [];
  #pastBytes = 0;
  #head = 0 as Rev;
  #compacted = 0 as Rev;
  #leaseCount = 0;
  #closed = false;
  readonly #hub = new WatchHub({
    head: () => this.#head,
    compacted: () => this.#compacted,
    read: (prefix, after) => this.#read(prefix, after),
  });

  constructor({ clock = systemClock, history = {}, fault = () => undefined }: MemoryStateOptions = {}) {
    this.#clock = clock;
    this.#limits = { ...defaultHistory, ...history };
    this.#fault = fault;
    this.#leases = new LeaseTimers(clock, (id) => this.#dropLease(id));
  }

  async get(key: string, options?: CallOptions): Promise<Item | null> {
    checkKey(key);
    this.#begin("get", options);
    const entry = this.#entries.get(key);
    return entry === undefined ? null : { key, value: copied(entry.value), rev: entry.rev };
  }

  async list(prefix: string, options?: CallOptions): Promise<{ items: Item[]; rev: Rev }> {
    checkPrefix(prefix);
    this.#begin("list", options);
    const items = [...this.#entries]
      .filter(([key]) => isUnder(prefix, key))
      .map(([key, { value, rev }]) => ({ key, value: copied(value), rev }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    return { items, rev: this.#head };
  }

  async txn(txn: Txn, options?: CallOptions): Promise<Rev> {
    const checked = checkTxn(txn);
    this.#begin("apply a transaction", options);
    const fault = this.#fault(txn);
    if (fault === "unavailable")
      throw new EngineError("unavailable", "Cannot apply the transaction: the store was told to fail");
    if (fault !== "unknown-lost") {
      const rev = this.#apply(checked);
      if (fault === undefined) return rev;
    }
    throw new EngineError(
      "unknown",
      `Cannot tell whether transaction ${checked.token} was applied; settle it by its token`,
      {
        token: checked.token,
      },
    );
  }

  async settle(token: string, after: Rev, options?: CallOptions): Promise<Settlement> {
    this.#begin("settle a transaction", options);
    const past = this.#past.find((revision) => revision.token === token);
    if (past !== undefined) return { outcome: "applied", rev: past.rev };
    return { outcome: after < this.#compacted ? "forgotten" : "not-applied" };
  }

  watch(prefix: string, from: Rev, options?: CallOptions): AsyncIterable<WatchEvent> {
    checkPrefix(prefix);
    this.#begin("watch");
    return this.#hub.watch(prefix, from, options?.signal);
  }

  async lease(ttlMs: number, options?: CallOptions): Promise<Lease> {
    const grantedMs = grantedTtlMs(ttlMs);
    this.#begin("take a lease", options);
    this.#leaseCount += 1;
    const id = String(this.#leaseCount);
    this.#leases.start(id, grantedMs);
    return leaseHandle(id, grantedMs, {
      renew: async () => {
        this.#begin("renew a lease");
        if (!this.#leases.renew(id)) throw leaseGone(id, "renew");
      },
      revoke: async () => {
        this.#begin("revoke a lease");
        this.#leases.stop(id);
        this.#dropLease(id);
      },
    });
  }

  async compact(upTo: Rev): Promise<void> {
    this.#begin("compact");
    this.#forget(upTo);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#leases.stopAll();
    this.#hub.end(new EngineError("closed", "Cannot go on watching: the state store was closed"));
  }

  #begin(attempted: string, options?: CallOptions): void {
    options?.signal?.throwIfAborted();
    if (this.#closed) throw new EngineError("closed", `Cannot ${attempted}: the state store was closed`);
  }

  #apply({ expect, put, del, leaseId, token }: CheckedTxn): Rev {
    const stale = expect.filter(({ key, rev }) => (this.#entries.get(key)?.rev ?? 0) !== rev);
    if (stale.length > 0) throw conflictError(stale, (key) => this.#entries.get(key)?.rev ?? 0);
    if (leaseId !== undefined && !this.#leases.has(leaseId)) throw leaseGone(leaseId, "apply the transaction");
    const rev = (this.#head + 1) as Rev;
    const changes: Change[] = [];
    for (const { key, value } of put) {
      this.#entries.set(key, { value, rev, leaseId });
      changes.push({ key, value });
    }
    for (const key of del) if (this.#entries.delete(key)) changes.push({ key, value: null });
    this.#commit(changes, token);
    return this.#head;
  }

  #commit(changes: readonly Change[], token: string): void {
    if (changes.length === 0) return;
    this.#head = (this.#head + 1) as Rev;
    const bytes = changes.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0);
    const past: Past = { rev: this.#head, changes, token, atMs: this.#clock.wallMs(), bytes };
    this.#past.push(past);
    this.#pastBytes += bytes;
    this.#trim();
    this.#hub.committed(past);
  }

  #dropLease(id: string): void {
    const changes: Change[] = [];
    for (const [key, { leaseId }] of this.#entries) {
      if (leaseId !== id) continue;
      this.#entries.delete(key);
      changes.push({ key, value: null });
    }
    this.#commit(
      changes.sort((a, b) => (a.key < b.key ? -1 : 1)),
      `lease-${id}`,
    );
  }

  #read(prefix: string, after: Rev): { revisions: Revision[]; upTo: Rev } {
    const first = this.#past.length - (this.#head - after);
    const revisions: Revision[] = [];
    for (const { rev, changes } of this.#past.slice(Math.max(0, first), Math.max(0, first) + 64)) {
      const touched = changes.filter(({ key }) => isUnder(prefix, key));
      if (touched.length > 0) revisions.push({ rev, changes: touched.map(ownChange) });
      after = rev;
    }
    return { revisions, upTo: after };
  }

  #trim(): void {
    const oldestMs = this.#clock.wallMs() - this.#limits.ageMs;
    const excess = this.#past.length - this.#limits.revisions;
    let upTo = this.#compacted;
    let bytes = this.#pastBytes;
    for (const [index, past] of this.#past.entries()) {
      if (index >= excess && past.atMs >= oldestMs && bytes <= this.#limits.bytes) break;
      bytes -= past.bytes;
      upTo = past.rev;
    }
    this.#forget(upTo);
  }

  #forget(upTo: Rev): void {
    const bound = Math.min(upTo, this.#head);
    while ((this.#past[0]?.rev ?? Infinity) <= bound) this.#pastBytes -= this.#past.shift()?.bytes ?? 0;
    this.#compacted = Math.max(this.#compacted, bound) as Rev;
  }
}
