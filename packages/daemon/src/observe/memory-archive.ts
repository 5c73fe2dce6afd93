import type { Event } from "@constellation/contract";
import type { EventArchive } from "./event-log.ts";

/** An archive that lives as long as its object; for tests. */
export class MemoryArchive implements EventArchive {
  readonly events: Event[] = [];

  last(count: number): Promise<readonly Event[]> {
    return Promise.resolve(this.events.slice(Math.max(0, this.events.length - count)));
  }

  append(events: readonly Event[]): Promise<void> {
    this.events.push(...events);
    return Promise.resolve();
  }
}
