import { EngineError } from "../error.ts";
import type { Acknowledge } from "./store.ts";

interface Job {
  readonly run: () => unknown;
  readonly acknowledge: Acknowledge;
  readonly token: string | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Result = { readonly value: unknown } | { readonly refused: unknown };

/** Thrown by a job that refused before it wrote anything: it fails alone, the others of its group are committed. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly reason: Error;

  constructor(reason: Error) {
    super(reason.message);
    this.reason = reason;
  }
}

export interface CommitQueueOptions {
  /** Runs the group as one transaction of the database, or throws and leaves nothing of it. */
  readonly commit: (group: () => void) => void;
  /** Brings everything committed to the disk. */
  readonly sync: () => Promise<void>;
  /** Words a failed commit for a job that was in it, by the job's token. */
  readonly failed: (error: unknown, token: string | undefined) => unknown;
  /** Words a failed sync for a job that was committed. */
  readonly unsynced: (error: unknown, token: string | undefined) => unknown;
  /** Called after each group, before its callers hear of it. */
  readonly ended: (outcome: "committed" | "failed") => void;
}

const maxWaiting = 10_000;
const maxGroup = 256;

/**
 * Gathers what is asked within one turn of the event loop into one commit. Jobs run in the order asked, each seeing the
 * ones before it; who wants durability hears of it after a sync, which many commits may share.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #jobs: Job[] = [];

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  /** @throws EngineError `unavailable` when 10,000 jobs are waiting already; else what the job or the commit throws */
  add<T>(
    run: () => T,
    { token, acknowledge = "durable" }: { readonly token?: string; readonly acknowledge?: Acknowledge } = {},
  ): Promise<T> {
    if (this.#jobs.length >= maxWaiting) {
      return Promise.reject(
        new EngineError(
          "unavailable",
          `Cannot write state: ${maxWaiting} writes are waiting already; wait for some of them`,
        ),
      );
    }
    return new Promise<T>((resolve, reject) => {
      this.#jobs.push({ run, acknowledge, token, resolve: resolve as (value: unknown) => void, reject });
      // Not by queueMicrotask, which makes a resource to be traced for each call.
      if (this.#jobs.length === 1) void Promise.resolve().then(() => this.flush());
    });
  }

  /** Commits everything that waits, now. */
  flush(): void {
    while (this.#jobs.length > 0) this.#commitGroup(this.#jobs.splice(0, maxGroup));
  }

  #commitGroup(group: readonly Job[]): void {
    let results: Result[] = [];
    try {
      this.#options.commit(() => {
        results = group.map(runJob);
      });
      this.#options.ended("committed");
    } catch (error) {
      this.#options.ended("failed");
      for (const job of group) job.reject(this.#options.failed(error, job.token));
      return;
    }
    const durable: { readonly job: Job; readonly value: unknown }[] = [];
    for (const [index, job] of group.entries()) {
      const result = results[index];
      if (result === undefined) continue;
      if ("refused" in result) job.reject(result.refused);
      else if (job.acknowledge === "visible") job.resolve(result.value);
      else durable.push({ job, value: result.value });
    }
    if (durable.length > 0) this.#answerWhenSynced(durable);
  }

  #answerWhenSynced(durable: readonly { readonly job: Job; readonly value: unknown }[]): void {
    this.#options.sync().then(
      () => durable.forEach(({ job, value }) => job.resolve(value)),
      (error: unknown) => durable.forEach(({ job }) => job.reject(this.#options.unsynced(error, job.token))),
    );
  }
}

function runJob(job: Job): Result {
  try {
    return { value: job.run() };
  } catch (error) {
    if (error instanceof Refusal) return { refused: error.reason };
    throw error;
  }
}
