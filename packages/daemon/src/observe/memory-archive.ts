import type { Event } from "@constellation/contract";
import type { EventArchive } from "./event-log.ts";

/** An archive that lives as long as its object; for tests. */
export class MemoryArchive implements EventArchive {
  readonly events: Event[] = [];

  last(count: number, app?: string): Promise<readonly Event[]> {
    const events = this.events.filter((event) => app === undefined || ("app" in event && event.app === app));
    return Promise.resolve(events.slice(Math.max(0, events.length - count)));
  }

  append(events: readonly Event[]): Promise<void> {
    this.events.push(...events);
    return Promise.resolve();
  }
}
