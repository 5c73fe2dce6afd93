import assert from "node:assert/strict";
import { isEngineError } from "../../error.ts";
import { isUnder } from "../../state/key.ts";
import { beginning, type Lease, type Rev, type StateStore } from "../../state/store.ts";
import { randomFrom, utf8 } from "../runner.ts";
import type { StateSubject } from "./subject.ts";

interface Entry {
  readonly text: string;
  readonly rev: Rev;
  readonly lease: Lease | undefined;
}

/** What one revision did to a key; null = deleted. */
type Past = Map<Rev, Map<string, string | null>>;

interface Model {
  readonly entries: Map<string, Entry>;
  readonly past: Past;
  head: Rev;
}

interface Watcher {
  readonly prefix: string;
  readonly from: Rev;
  readonly seen: Past;
  resynced: boolean;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

const keys = ["a", "b", "a.x", "a.y", "a.x.z", "a-x", "ab", "c.d"];
const prefixes = ["", "a", "a.x", "c", "ab"];
const steps = 120;

/** Random transactions, leases, watches, compactions and restarts, compared with a model after each step. */
export async function walkAgainstModel(subject: StateSubject, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const model: Model = { entries: new Map(), past: new Map(), head: beginning };
  const leases: Lease[] = [];
  let watchers: Watcher[] = [];
  try {
    for (let step = 0; step < steps; step += 1) {
      const dice = random(100);
      if (dice < 70) await transact(subject.store, model, leases, random);
      else if (dice < 80) watchers.push(startWatch(subject.store, model, random));
      else if (dice < 85) leases.push(await subject.store.lease(1_000_000));
      else if (dice < 90) await revokeOne(model, leases, random, subject.store);
      else if (dice < 93) await subject.compact(random(model.head + 1) as Rev);
      else if (dice < 95) {
        await settled(watchers, model);
        watchers = [];
        await subject.restart?.();
        // Handles of leases belong to the store that granted them; the keys stay until those leases end.
        if (subject.restart !== undefined) leases.length = 0;
      }
      await agrees(subject.store, model);
    }
    await settled(watchers, model);
  } finally {
    for (const { stop } of watchers) stop.abort();
  }
}

async function transact(
  store: StateStore,
  model: Model,
  leases: Lease[],
  random: (below: number) => number,
): Promise<void> {
  const chosen = keys.filter(() => random(3) === 0);
  const put = chosen.filter((_, index) => index % 2 === 0).map((key) => ({ key, text: `${random(1000)}` }));
  const del = chosen.filter((_, index) => index % 2 === 1);
  const expect = keys
    .filter(() => random(6) === 0)
    .map((key) => {
      const rev = model.entries.get(key)?.rev ?? 0;
      return { key, rev: (random(8) === 0 ? rev + 1 : rev) as Rev };
    });
  const lease = random(4) === 0 ? leases[random(leases.length)] : undefined;
  const holds = expect.every(({ key, rev }) => (model.entries.get(key)?.rev ?? 0) === rev);
  try {
    const rev = await store.txn({
      expect,
      put: put.map(({ key, text }) => ({ key, value: utf8.of(text) })),
      del,
      ...(lease === undefined ? {} : { lease }),
    });
    assert.ok(holds, "a stale expectation was accepted");
    const changes = new Map<string, string | null>(put.map(({ key, text }) => [key, text]));
    for (const { key, text } of put) model.entries.set(key, { text, rev, lease });
    for (const key of del) if (model.entries.delete(key)) changes.set(key, null);
    record(model, rev, changes);
  } catch (error) {
    if (!isEngineError(error, "conflict")) throw error;
    assert.ok(!holds, `refused although the expectations held: ${error.message}`);
  }
}

function record(model: Model, rev: Rev, changes: Map<string, string | null>): void {
  if (changes.size === 0) {
    assert.equal(rev, model.head, "a transaction that changed nothing moved the revision");
    return;
  }
  assert.ok(rev > model.head, "the revision did not rise");
  model.head = rev;
  model.past.set(rev, changes);
}

async function revokeOne(
  model: Model,
  leases: Lease[],
  random: (below: number) => number,
  store: StateStore,
): Promise<void> {
  const [lease] = leases.splice(random(leases.length), 1);
  if (lease === undefined) return;
  await lease.revoke();
  const changes = new Map<string, null>();
  for (const [key, entry] of model.entries) if (entry.lease === lease) changes.set(key, null);
  for (const key of changes.keys()) model.entries.delete(key);
  record(model, (await store.list("")).rev, changes);
}

function startWatch(store: StateStore, model: Model, random: (below: number) => number): Watcher {
  const prefix = prefixes[random(prefixes.length)] ?? "";
  const from = random(model.head + 1) as Rev;
  const stop = new AbortController();
  const seen: Past = new Map();
  const watcher: Watcher = { prefix, from, seen, resynced: false, stop, ended: follow() };
  async function follow(): Promise<void> {
    for await (const event of store.watch(prefix, from, { signal: stop.signal })) {
      if (event.resync) {
        // What came before may have been dropped: only what follows must be whole.
        watcher.resynced = true;
        for (const rev of model.past.keys()) if (rev <= event.rev) seen.set(rev, under(prefix, model.past.get(rev)));
        continue;
      }
      assert.ok(
        !seen.has(event.rev) && event.rev > Math.max(from, ...seen.keys()),
        `revision ${event.rev} came twice or late`,
      );
      seen.set(event.rev, new Map(event.changes.map(({ key, value }) => [key, utf8.text(value) ?? null])));
    }
  }
  return watcher;
}

function under(prefix: string, changes: Map<string, string | null> | undefined): Map<string, string | null> {
  return new Map([...(changes ?? [])].filter(([key]) => isUnder(prefix, key)));
}

async function agrees(store: StateStore, model: Model): Promise<void> {
  const { items, rev } = await store.list("");
  assert.equal(rev, model.head);
  assert.deepEqual(
    items.map(({ key, value, rev }) => [key, utf8.text(value), rev]),
    [...model.entries]
      .map(([key, entry]) => [key, entry.text, entry.rev])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
}

// Every watch must have seen exactly the model's changes under its prefix, once it has had time to read them.
async function settled(watchers: readonly Watcher[], model: Model): Promise<void> {
  for (const { prefix, from, seen, stop, ended } of watchers) {
    const wanted = [...model.past]
      .filter(([rev]) => rev > from)
      .map(([rev, changes]) => [rev, under(prefix, changes)] as const)
      .filter(([, changes]) => changes.size > 0);
    for (let turn = 0; turn < 2000 && count(seen, from) < wanted.length; turn += 1) await new Promise(setImmediate);
    stop.abort();
    await ended;
    const got = [...seen].filter(([rev, changes]) => rev > from && changes.size > 0);
    assert.deepEqual(new Map(got), new Map(wanted), `watch of "${prefix}" from ${from}`);
  }
}

function count(seen: Past, from: Rev): number {
  return [...seen].filter(([rev, changes]) => rev > from && changes.size > 0).length;
}
