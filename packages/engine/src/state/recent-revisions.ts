import { copied } from "../copied.ts";
import { isUnder } from "./key.ts";
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
    return this.#revisions.flatMap(({ rev, changes }) => {
      if (rev <= after) return [];
      const touching = changes.filter(({ key }) => isUnder(prefix, key));
      // Each watch gets bytes of its own: what one does to them is not the others' business.
      const own = touching.map(({ key, value }) => ({ key, value: value === null ? null : copied(value) }));
      return own.length === 0 ? [] : [{ rev, changes: own }];
    });
  }
}

function bytesOf({ changes }: Revision): number {
  return changes.reduce((sum, { key, value }) => sum + key.length + (value?.byteLength ?? 0), 0);
}
