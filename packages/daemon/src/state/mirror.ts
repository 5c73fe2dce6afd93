import type { Change, Rev, StateStore } from "@constellation/engine";
import { decode } from "./codec.ts";
import { parseKey, type RecordKey } from "./keys.ts";
import type { RecordOf } from "./records.ts";

/** A record with the revision of the store that wrote it. */
export interface Versioned<Record> {
  readonly record: Record;
  readonly rev: Rev;
}

/** A record with its key and its stored form. */
export interface Written {
  readonly key: RecordKey;
  readonly record: RecordOf[keyof RecordOf];
  readonly value: Uint8Array;
}

type Rows<Record> = ReadonlyMap<string, ReadonlyMap<number, Versioned<Record>>>;

/**
 * The whole desired state in memory, kept up by the store's own watch: reading costs nothing and sees every write
 * once {@link Mirror.reached} has resolved.
 */
export class Mirror {
  readonly #store: StateStore;
  readonly #apps = new Map<string, Versioned<RecordOf["app"]>>();
  readonly #nodes = new Map<string, Versioned<RecordOf["node"]>>();
  readonly #revisions = new Map<string, Map<number, Versioned<RecordOf["revision"]>>>();
  readonly #allocations = new Map<string, Map<number, Versioned<RecordOf["alloc"]>>>();
  readonly #runs = new Map<string, Map<number, Versioned<RecordOf["run"]>>>();
  /** What this daemon is about to write, by key. */
  readonly #expected = new Map<string, Written>();
  readonly #waiting = new Set<{ readonly rev: Rev; readonly resolve: () => void }>();
  readonly #listeners = new Set<(keys: readonly RecordKey[]) => void>();
  #rev = 0 as Rev;
  #editions = 0;

  constructor(store: StateStore) {
    this.#store = store;
  }

  /** Everything up to this revision of the store can be read here. */
  get rev(): Rev {
    return this.#rev;
  }
  /** Grows whenever an app or one of its revisions has changed: for whoever keeps something computed from them. */
  get editions(): number {
    return this.#editions;
  }
  get apps(): ReadonlyMap<string, Versioned<RecordOf["app"]>> {
    return this.#apps;
  }
  get nodes(): ReadonlyMap<string, Versioned<RecordOf["node"]>> {
    return this.#nodes;
  }
  get revisions(): Rows<RecordOf["revision"]> {
    return this.#revisions;
  }
  get allocations(): Rows<RecordOf["alloc"]> {
    return this.#allocations;
  }
  get runs(): Rows<RecordOf["run"]> {
    return this.#runs;
  }

  /** The store's revision of a key, 0 when the mirror knows no such key. */
  revOf(key: RecordKey): Rev | 0 {
    return this.#find(key)?.rev ?? 0;
  }

  /** Reads everything. @throws ConstellationError `state.corrupt`; what the store throws */
  async load(signal: AbortSignal): Promise<void> {
    const { items, rev } = await this.#store.list("", { signal });
    for (const rows of [this.#apps, this.#nodes, this.#revisions, this.#allocations, this.#runs]) rows.clear();
    this.#editions += 1;
    const keys = items.flatMap(({ key, value, rev: written }) => this.#put(key, value, written) ?? []);
    this.#advance(rev, keys);
  }

  /** Follows the store until the signal aborts. @throws as {@link load} */
  async follow(signal: AbortSignal): Promise<void> {
    for await (const event of this.#store.watch("", this.#rev, { signal })) {
      if (event.resync) await this.load(signal);
      // After a resync the watch repeats what the list has told already.
      else if (event.rev > this.#rev) this.#take(event.rev, event.changes);
    }
  }

  /** Resolves when everything up to this revision can be read here. @throws the signal's reason */
  reached(rev: Rev, signal: AbortSignal): Promise<void> {
    if (rev <= this.#rev) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiting = {
        rev,
        resolve: () => {
          signal.removeEventListener("abort", abort);
          this.#waiting.delete(waiting);
          resolve();
        },
      };
      const abort = (): void => {
        this.#waiting.delete(waiting);
        reject(signal.reason as Error);
      };
      this.#waiting.add(waiting);
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** Says what is about to be written: what comes back just so need not be read. Returns how to forget it. */
  expect(written: ReadonlyMap<string, Written>): () => void {
    for (const [key, each] of written) this.#expected.set(key, each);
    return () => {
      for (const [key, each] of written) if (this.#expected.get(key) === each) this.#expected.delete(key);
    };
  }

  /** Calls `listener` with the keys of every change; returns how to stop. */
  onChange(listener: (keys: readonly RecordKey[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #take(rev: Rev, changes: readonly Change[]): void {
    const keys: RecordKey[] = [];
    for (const { key, value } of changes) {
      const changed = this.#put(key, value, rev);
      if (changed !== null) keys.push(changed);
    }
    this.#advance(rev, keys);
  }

  #advance(rev: Rev, keys: readonly RecordKey[]): void {
    this.#rev = rev;
    if (keys.length > 0) for (const listener of this.#listeners) listener(keys);
    for (const waiting of this.#waiting) if (waiting.rev <= rev) waiting.resolve();
  }

  #find(key: RecordKey): Versioned<unknown> | undefined {
    switch (key.kind) {
      case "app":
        return this.#apps.get(key.app);
      case "node":
        return this.#nodes.get(key.node);
      case "revision":
        return this.#revisions.get(key.app)?.get(key.revision);
      case "alloc":
        return this.#allocations.get(key.app)?.get(key.index);
      case "run":
        return this.#runs.get(key.app)?.get(key.index);
    }
  }

  #read<Kind extends keyof RecordOf>(text: string, key: RecordKey & { kind: Kind }, value: Uint8Array): RecordOf[Kind] {
    const own = this.#expected.get(text);
    if (own !== undefined && Buffer.compare(own.value, value) === 0) return own.record as RecordOf[Kind];
    return decode<Kind>(key, value);
  }

  #put(text: string, value: Uint8Array | null, rev: Rev): RecordKey | null {
    const key = this.#expected.get(text)?.key ?? parseKey(text);
    if (key === null) return null;
    if (key.kind === "app" || key.kind === "revision") this.#editions += 1;
    switch (key.kind) {
      case "app":
        place(this.#apps, key.app, value && { record: this.#read(text, key, value), rev });
        break;
      case "node":
        place(this.#nodes, key.node, value && { record: this.#read(text, key, value), rev });
        break;
      case "revision":
        placeRow(this.#revisions, key.app, key.revision, value && { record: this.#read(text, key, value), rev });
        break;
      case "alloc":
        placeRow(this.#allocations, key.app, key.index, value && { record: this.#read(text, key, value), rev });
        break;
      case "run":
        placeRow(this.#runs, key.app, key.index, value && { record: this.#read(text, key, value), rev });
        break;
    }
    return key;
  }
}

function place<Key, Value>(rows: Map<Key, Value>, key: Key, value: Value | null): void {
  if (value === null) rows.delete(key);
  else rows.set(key, value);
}

function placeRow<Value>(rows: Map<string, Map<number, Value>>, app: string, at: number, value: Value | null): void {
  const row = rows.get(app) ?? new Map<number, Value>();
  place(row, at, value);
  place(rows, app, row.size === 0 ? null : row);
}
