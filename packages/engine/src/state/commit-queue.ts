import { EngineError } from "../error.ts";

interface Job {
  readonly run: () => unknown;
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
  /** Runs the group as one durable transaction of the database, or throws and leaves nothing of it. */
  readonly commit: (group: () => void) => void;
  /** Words a failed commit for a job that was in it, by the job's token. */
  readonly failed: (error: unknown, token: string | undefined) => unknown;
  /** Called after each group, before its callers hear of it. */
  readonly ended: (outcome: "committed" | "failed") => void;
}

const maxWaiting = 10_000;
const maxGroup = 256;

/**
 * Gathers what is asked within one turn of the event loop into one commit, so that many callers share one disk sync.
 * Jobs run in the order asked, each seeing the ones before it.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #jobs: Job[] = [];

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  /** @throws EngineError `unavailable` when 10,000 jobs are waiting already; else what the job or the commit throws */
  add<T>(run: () => T, token?: string): Promise<T> {
    if (this.#jobs.length >= maxWaiting) {
      return Promise.reject(
        new EngineError(
          "unavailable",
          `Cannot write state: ${maxWaiting} writes are waiting already; wait for some of them`,
        ),
      );
    }
    return new Promise<T>((resolve, reject) => {
      this.#jobs.push({ run, token, resolve: resolve as (value: unknown) => void, reject });
      if (this.#jobs.length === 1) queueMicrotask(() => this.flush());
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
    for (const [index, result] of results.entries()) {
      if ("refused" in result) group[index]?.reject(result.refused);
      else group[index]?.resolve(result.value);
    }
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
