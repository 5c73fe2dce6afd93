import { type Event, eventSchema } from "@constellation/contract";
import type { Telemetry } from "@constellation/engine";
import type { EventArchive } from "./event-log.ts";

/** Events in the telemetry file: written behind our back, kept for a while, able to lose the last moments of a crash. */
export class TelemetryArchive implements EventArchive {
  readonly #telemetry: Telemetry;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  async last(count: number, app?: string): Promise<readonly Event[]> {
    const stored = await this.#telemetry.events({ tail: count, ...(app === undefined ? {} : { under: app }) });
    return stored.flatMap(({ body }) => {
      // What another version has written and this one does not know is left out.
      const event = eventSchema.safeParse(body);
      return event.success ? [event.data] : [];
    });
  }

  /** One that it does not take, because it is too long, takes no other with it. */
  async append(events: readonly Event[]): Promise<void> {
    const refusals: unknown[] = [];
    for (const event of events) {
      try {
        this.#telemetry.record({ kind: event.type, subject: subjectOf(event), body: event, atMs: event.at });
      } catch (error) {
        refusals.push(error);
      }
    }
    if (refusals.length > 0) throw refusals[0];
  }
}

function subjectOf(event: Event): string {
  if ("instance" in event) return event.instance;
  return "app" in event ? event.app : "";
}
