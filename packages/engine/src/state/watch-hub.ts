import { onAbort } from "../abort.ts";
import { isUnder } from "./key.ts";
import type { Change, Rev, WatchEvent } from "./store.ts";

/** All changes of one transaction. */
export interface Revision {
  readonly rev: Rev;
  readonly changes: readonly Change[];
}

/** A store's past, as a watch reads it. Every call is synchronous, so that nothing is committed in between. */
export interface History {
  /** The newest revision. */
  head(): Rev;
  /** Changes up to and including this one are no longer complete. */
  compacted(): Rev;
  /** The next revisions after `after` that touch the prefix, oldest first, and how far the look went. */
  read(prefix: string, after: Rev): { readonly revisions: readonly Revision[]; readonly upTo: Rev };
}

interface Waiting {
  readonly prefix: string;
  cursor: Rev;
  readonly wake: () => void;
}

/** Feeds every watch from the history at the watcher's own pace: a slow one costs no memory, an idle one no reads. */
export class WatchHub {
  readonly #history: History;
  readonly #waiting = new Set<Waiting>();
  #ended: Error | undefined;

  constructor(history: History) {
    this.#history = history;
  }

  /** How many watches are waiting for a change. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Says that a revision was committed: wakes whom it concerns and moves the others past it. */
  committed(rev: Rev, keys: readonly string[]): void {
    for (const waiting of this.#waiting) {
      if (keys.some((key) => isUnder(waiting.prefix, key))) waiting.wake();
      else waiting.cursor = rev;
    }
  }

  /** Ends every watch with the error. */
  end(error: Error): void {
    this.#ended = error;
    for (const waiting of this.#waiting) waiting.wake();
  }

  async *watch(
    prefix: string,
    from: Rev,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<WatchEvent, void, undefined> {
    const aborted = (): boolean => signal?.aborted ?? false;
    let cursor = from;
    while (!aborted()) {
      if (this.#ended !== undefined) throw this.#ended;
      const head = this.#history.head();
      if (cursor > head || cursor < this.#history.compacted()) {
        cursor = head;
        yield { resync: true, rev: head };
        continue;
      }
      if (cursor === head) {
        cursor = await this.#changed(prefix, cursor, signal);
        continue;
      }
      const page = this.#history.read(prefix, cursor);
      for (const { rev, changes } of page.revisions) {
        if (aborted()) return;
        yield { resync: false, rev, changes };
      }
      cursor = page.upTo;
    }
  }

  #changed(prefix: string, cursor: Rev, signal: AbortSignal | undefined): Promise<Rev> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(waiting);
        forget();
        resolve(waiting.cursor);
      };
      const waiting: Waiting = { prefix, cursor, wake };
      this.#waiting.add(waiting);
      const forget = onAbort(signal, wake);
    });
  }
}
