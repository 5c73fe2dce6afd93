import { randomUUID } from "node:crypto";
import {
  type Acknowledge,
  type EngineError,
  isEngineError,
  type Rev,
  type StateStore,
  type Txn,
} from "@constellation/engine";
import { Deadline } from "./deadline.ts";
import { Edit } from "./edit.ts";
import { stateFailure } from "./failure.ts";
import { Mirror } from "./mirror.ts";
import type { RevisionRecord } from "./records.ts";

/** Longest time that one write may take, its retries included. */
const writeTimeoutMs = 15_000;
/** What an apply and the start that follows from it write. */
const promptWrites = 2;
const retryDelaysMs = [0, 20, 100, 500, 2000];

/** Names of transactions differ from those of every other daemon. */
const opened = randomUUID();
let tokens = 0;

/** The desired state, typed: reads come from the mirror, writes are transactions that expect what the mirror showed. */
export class Repository {
  readonly mirror: Mirror;
  readonly #store: StateStore;
  #turn: { writes: number; readonly over: Promise<void> } | null = null;

  constructor(store: StateStore) {
    this.#store = store;
    this.mirror = new Mirror(store);
  }

  /** Collects changes for {@link write}. */
  edit(): Edit {
    return new Edit(this.mirror);
  }

  /**
   * Writes the changes, durable (or only visible, when that is asked for) and readable in the mirror when it resolves. The
   * mirror may tell of them a moment before they are durable. Waits out a store that is away for a moment
   * and finds out what became of a write whose answer was lost.
   *
   * @throws ConstellationError `state.conflict` when a key was changed meanwhile: read and decide again;
   *   `state.unavailable`, `state.unknown`, `state.corrupt`, `spec.too-large`
   */
  async write(
    edit: Edit,
    { signal, acknowledge = "durable" }: { readonly signal?: AbortSignal; readonly acknowledge?: Acknowledge } = {},
  ): Promise<void> {
    const limit = new Deadline(writeTimeoutMs, signal);
    const forget = this.mirror.expect(edit.written);
    try {
      await this.#gathered();
      for (const txn of edit.transactions()) {
        const rev = await this.#apply(txn, acknowledge, limit.signal);
        await this.mirror.reached(rev, limit.signal).catch((error: unknown) => {
          throw stateFailure(error);
        });
      }
    } finally {
      forget();
      limit.clear();
    }
  }

  /** The revision of an app that a number names; undefined when it is no longer kept. */
  revision(app: string, revision: number): RevisionRecord | undefined {
    return this.mirror.revisions.get(app)?.get(revision)?.record;
  }

  /**
   * The first writes of a turn of the event loop go at once, so that one start is not held up; those that come with them
   * wait until the turn is over and share one commit, one look of whoever watches, and one sync.
   */
  async #gathered(): Promise<void> {
    this.#turn ??= { writes: 0, over: this.#turnsEnd() };
    this.#turn.writes += 1;
    if (this.#turn.writes > promptWrites) await this.#turn.over;
  }

  async #turnsEnd(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#turn = null;
  }

  async #apply(txn: Txn, acknowledge: Acknowledge, signal: AbortSignal): Promise<Rev> {
    tokens += 1;
    const token = `${opened}.${tokens}`;
    const before = this.mirror.rev;
    try {
      return await this.#attempt(() => this.#store.txn({ ...txn, token }, { signal, acknowledge }), signal);
    } catch (error) {
      if (!isEngineError(error, "unknown")) throw stateFailure(error);
      return this.#settle(txn, token, before, error, signal);
    }
  }

  /** A transaction without an answer is never simply repeated: it may have been applied, and then the repetition conflicts with itself. */
  async #settle(txn: Txn, token: string, before: Rev, unknown: EngineError, signal: AbortSignal): Promise<Rev> {
    const settlement = await this.#attempt(() => this.#store.settle(token, before, { signal }), signal).catch(
      () => null,
    );
    if (settlement?.outcome === "applied") return settlement.rev;
    if (settlement?.outcome === "not-applied")
      return this.#attempt(() => this.#store.txn(txn, { signal }), signal).catch((error: unknown) => {
        throw stateFailure(error);
      });
    throw stateFailure(unknown);
  }

  async #attempt<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (const delayMs of retryDelaysMs) {
      try {
        return await call();
      } catch (error) {
        if (!isEngineError(error, "unavailable")) throw error;
        await pause(delayMs, signal);
      }
    }
    return call();
  }
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, delayMs);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
