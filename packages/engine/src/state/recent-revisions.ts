import { isUnder } from "./key.ts";
import { ownChange } from "./own-change.ts";
import type { Rev } from "./store.ts";
import type { Revision } from "./watch-hub.ts";

const most = { revisions: 64, bytes: 256 * 1024 };

/** The newest revisions in memory, so that a watch that keeps up does not read from the file what was just written. */
export class RecentRevisions {
  #revisions: Revision[] = [];
  #bytes = 0;

  /** Call it with each revision in turn, none left out. */
  add(revision: Revision): void {
    this.#revisions.push(revision);
    this.#bytes += bytesOf(revision);
    while (this.#revisions.length > most.revisions || this.#bytes > most.bytes) {
      const oldest = this.#revisions.shift();
      this.#bytes -= oldest === undefined ? 0 : bytesOf(oldest);
    }
  }

  /** All revisions after this one that touch the prefix, oldest first; null when not all of them are here. */
  after(prefix: string, after: Rev): readonly Revision[] | null {
    const [oldest] = this.#revisions;
    if (oldest === undefined || oldest.rev > after + 1) return null;
    const touching: Revision[] = [];
    // Revisions are numbered without gaps, so the place of the first new one is known.
    for (const { rev, changes } of this.#revisions.slice(after + 1 - oldest.rev)) {
      const own = changes.filter(({ key }) => isUnder(prefix, key)).map(ownChange);
      if (own.length > 0) touching.push({ rev, changes: own });
    }
    return touching;
  }
}

function bytesOf({ changes }: Revision): number {
  return changes.reduce((sum, { key, value }) => sum + key.length + (value?.byteLength ?? 0), 0);
}
