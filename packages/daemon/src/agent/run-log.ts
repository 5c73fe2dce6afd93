import { setTimeout as sleep } from "node:timers/promises";
import type { Exit, InstanceState } from "@constellation/contract";
import type { LifeLeft, RestartCount } from "@constellation/instances";
import type { Repository, RunRecord } from "../state/index.ts";

/** How sure a launch must be written down before it may happen. */
export type LaunchIntent =
  /** A power cut that undoes the note undoes the run as well, and it is to run again anyway: no wait for the disk. */
  | "repeatable"
  /** It may run once only: not even a power cut may undo the note that it was begun. */
  | "once";

/** A record to be written, or what makes it of the present one when everything before is written; null: there is none to write. */
type NextRecord = RunRecord | (() => RunRecord | null);

/**
 * The record of one instance's runs in the state. Intent before action: a launch is written down before it is tried, the
 * end of a run before the run is released. Writes come one at a time; a launch that follows an end writes for both.
 */
export class RunLog {
  readonly #repository: Repository;
  readonly #app: string;
  readonly #index: number;
  readonly #retryMs: number;
  #tail: Promise<unknown> = Promise.resolve();
  /** Ended runs that the next record stands for, too. */
  #superseded: (() => void)[] = [];
  /** Counts launches and ends. */
  #turn = 0;
  readonly #closing = new AbortController();
  #isForgotten = false;

  /** @param retryMs how soon an end that could not be written is tried again */
  constructor(repository: Repository, app: string, index: number, retryMs = 5000) {
    this.#retryMs = retryMs;
    this.#repository = repository;
    this.#app = app;
    this.#index = index;
  }

  /** Tries nothing again any more: what is not written is found out by the next daemon. */
  close(): void {
    this.#closing.abort();
  }

  /** Notes no end any more: the record goes with its instance. */
  forget(): void {
    this.#isForgotten = true;
    this.#closing.abort();
  }

  get record(): RunRecord | undefined {
    return this.#repository.mirror.runs.get(this.#app)?.get(this.#index)?.record;
  }

  /** Writes down that this run is about to be launched, unless it is written already. @throws ConstellationError `state.unavailable`, … */
  async launch(
    record: RunRecord & { status: "launched" },
    { intent, signal }: { readonly intent: LaunchIntent; readonly signal: AbortSignal },
  ): Promise<void> {
    const { record: known } = this;
    if (known?.status === "launched" && known.runId === record.runId && known.revision === record.revision) return;
    this.#turn += 1;
    await this.#write(record, { signal, acknowledge: intent === "once" ? "durable" : "visible" });
  }

  /**
   * Takes note of a run's end; resolves when it may be released. `next` is where the end has led to. A disk that cannot take
   * it now is tried again: until then the run keeps what it has of the machine.
   */
  ended(
    exit: Exit,
    next: InstanceState,
    { revision, tries, count }: { readonly revision: number; readonly tries: number; readonly count: RestartCount },
  ): Promise<void> {
    // The next launch is on its way already and its record replaces this one: one write for both.
    if (next.status === "starting") {
      return new Promise((resolve) => this.#superseded.push(resolve));
    }
    const outcome =
      next.status === "completed" || next.status === "failed" || next.status === "stopped" ? next.status : "again";
    const reason = next.status === "failed" ? next.reason : exit.reason;
    const until = next.status === "backoff" ? next.until : null;
    return this.#writeEnd({
      status: "ended",
      revision,
      tries,
      ...count,
      since: exit.at,
      outcome,
      last: exit,
      reason,
      until,
    });
  }

  /** Where an earlier daemon left the instance; undefined when it was never started or has a run to be found out about. */
  get left(): LifeLeft | undefined {
    const { record } = this;
    if (record === undefined || record.status === "launched") return undefined;
    const { since, last, outcome, reason, until, restarts, streak, recentRestarts } = record;
    const count = { restarts, streak, recentRestarts };
    if (outcome === "failed") return { phase: { status: "failed", since, last, reason }, count };
    if (outcome === "completed" && last !== null) return { phase: { status: "completed", since, last }, count };
    if (outcome === "again" && last !== null && until !== null)
      return { phase: { status: "backoff", since, until, last }, count };
    return { phase: { status: "stopped", since, last }, count };
  }

  /** Notes that a run has another revision now, without having been started again. */
  async adopt(revision: number): Promise<void> {
    // Of the record as it is when its turn has come: a launch or an end may be on its way to it.
    await this.#write(() => {
      const { record } = this;
      return record === undefined || record.revision === revision ? null : { ...record, revision };
    });
  }

  /** Resolves when everything asked so far is written, or has failed. */
  async idle(): Promise<void> {
    await this.#tail;
  }

  /** The run that is written down as launched. */
  get #launched(): string | null {
    return this.record?.status === "launched" ? this.record.runId : null;
  }

  async #writeEnd(end: RunRecord): Promise<void> {
    const { signal } = this.#closing;
    const before = this.#launched;
    this.#turn += 1;
    const turn = this.#turn;
    let failure: unknown = new Error("what came after this end was not written down yet");
    for (;;) {
      try {
        if (turn === this.#turn) return await this.#write(end);
        // What came after it is written in its place; until that is done the next daemon looks for this run.
        if (this.#launched !== before) return;
      } catch (error) {
        failure = error;
      }
      await sleep(this.#retryMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (this.#isForgotten) return;
      if (signal.aborted) throw failure;
    }
  }

  #write(record: NextRecord, options: Parameters<Repository["write"]>[1] = {}): Promise<void> {
    const written = this.#writeAfter(this.#tail, record, options);
    this.#tail = written.catch(() => undefined);
    return written;
  }

  async #writeAfter(
    before: Promise<unknown>,
    next: NextRecord,
    options: Parameters<Repository["write"]>[1],
  ): Promise<void> {
    await before;
    const record = typeof next === "function" ? next() : next;
    if (record === null) return;
    const superseded = [...this.#superseded];
    const edit = this.#repository.edit().put({ kind: "run", app: this.#app, index: this.#index }, record);
    await this.#repository.write(edit, options);
    this.#superseded = this.#superseded.filter((resolve) => !superseded.includes(resolve));
    for (const resolve of superseded) resolve();
  }
}
