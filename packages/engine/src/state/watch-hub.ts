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

interface Watch {
  readonly prefix: string;
  cursor: Rev;
  /** Ends its waiting, if it does wait. */
  wake: () => void;
}

/** Feeds every watch from the history at the watcher's own pace: a slow one costs no memory, an idle one no reads. */
export class WatchHub {
  readonly #history: History;
  readonly #waiting = new Set<Watch>();
  #ended: Error | undefined;

  constructor(history: History) {
    this.#history = history;
  }

  /** How many watches are waiting for a change. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Says that a revision was committed: wakes whom it concerns and moves the others past it. */
  committed({ rev, changes }: Revision): void {
    for (const watch of this.#waiting) {
      if (changes.some(({ key }) => isUnder(watch.prefix, key))) watch.wake();
      else watch.cursor = rev;
    }
  }

  /** Ends every watch with the error. */
  end(error: Error): void {
    this.#ended = error;
    for (const watch of this.#waiting) watch.wake();
  }

  async *watch(
    prefix: string,
    from: Rev,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<WatchEvent, void, undefined> {
    const watch: Watch = { prefix, cursor: from, wake: () => undefined };
    // Once for the whole watch: to listen and to forget again at each wake would cost more than the wake.
    const forget = onAbort(signal, () => watch.wake());
    try {
      while (!isAborted(signal)) {
        if (this.#ended !== undefined) throw this.#ended;
        const head = this.#history.head();
        if (watch.cursor > head || watch.cursor < this.#history.compacted()) {
          watch.cursor = head;
          yield { resync: true, rev: head };
        } else if (watch.cursor === head) {
          await this.#changed(watch);
        } else {
          const page = this.#history.read(prefix, watch.cursor);
          for (const { rev, changes } of page.revisions) {
            if (isAborted(signal)) return;
            yield { resync: false, rev, changes };
          }
          watch.cursor = page.upTo;
        }
      }
    } finally {
      forget();
    }
  }

  #changed(watch: Watch): Promise<void> {
    return new Promise((resolve) => {
      watch.wake = () => {
        this.#waiting.delete(watch);
        resolve();
      };
      this.#waiting.add(watch);
    });
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted ?? false;
}
