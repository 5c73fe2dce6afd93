import { randomUUID } from "node:crypto";
import {
  type Acknowledge,
  type EngineError,
  isEngineError,
  type Rev,
  type StateStore,
  type Txn,
} from "@constellation/engine";
import { Deadlines } from "./deadlines.ts";
import { Edit } from "./edit.ts";
import { stateFailure } from "./failure.ts";
import { Mirror } from "./mirror.ts";
import type { RevisionRecord } from "./records.ts";

/** Longest time that one write may take, its retries included; or a second more. */
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
  readonly #deadlines = new Deadlines(writeTimeoutMs);
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
   * and finds out what became of a write whose answer was lost. When the signal aborts it is not tried again; what the
   * store has been given already is waited for.
   *
   * @throws ConstellationError `state.conflict` when a key was changed meanwhile: read and decide again;
   *   `state.unavailable`, `state.unknown`, `state.corrupt`, `spec.too-large`
   */
  async write(
    edit: Edit,
    { signal, acknowledge = "durable" }: { readonly signal?: AbortSignal; readonly acknowledge?: Acknowledge } = {},
  ): Promise<void> {
    const until: Until = { limit: this.#deadlines.next(), given: signal };
    const forget = this.mirror.expect(edit.written);
    try {
      await this.#gathered();
      for (const txn of edit.transactions()) {
        const rev = await this.#apply(txn, acknowledge, until);
        await this.mirror.reached(rev, until.limit).catch((error: unknown) => {
          throw stateFailure(error);
        });
      }
    } finally {
      forget();
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

  async #apply(txn: Txn, acknowledge: Acknowledge, until: Until): Promise<Rev> {
    tokens += 1;
    const token = `${opened}.${tokens}`;
    const before = this.mirror.rev;
    try {
      const options = { signal: until.limit, acknowledge };
      return await this.#attempt(() => this.#store.txn({ ...txn, token }, options), until);
    } catch (error) {
      if (!isEngineError(error, "unknown")) throw stateFailure(error);
      return this.#settle(txn, token, before, error, until);
    }
  }

  /** A transaction without an answer is never simply repeated: it may have been applied, and then the repetition conflicts with itself. */
  async #settle(txn: Txn, token: string, before: Rev, unknown: EngineError, until: Until): Promise<Rev> {
    const options = { signal: until.limit };
    const settlement = await this.#attempt(() => this.#store.settle(token, before, options), until).catch(() => null);
    if (settlement?.outcome === "applied") return settlement.rev;
    if (settlement?.outcome === "not-applied")
      return this.#attempt(() => this.#store.txn(txn, options), until).catch((error: unknown) => {
        throw stateFailure(error);
      });
    throw stateFailure(unknown);
  }

  async #attempt<T>(call: () => Promise<T>, { limit, given }: Until): Promise<T> {
    for (const delayMs of retryDelaysMs) {
      given?.throwIfAborted();
      try {
        return await call();
      } catch (error) {
        if (!isEngineError(error, "unavailable")) throw error;
        await pause(delayMs, given === undefined ? limit : AbortSignal.any([limit, given]));
      }
    }
    return call();
  }
}

/** What ends the attempts: the time that a write may take, and whoever wants it no longer. */
interface Until {
  readonly limit: AbortSignal;
  readonly given: AbortSignal | undefined;
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
