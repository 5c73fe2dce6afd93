import type { AppSummary, EventBody } from "@constellation/contract";

/** Turns the summaries of an app into events: each is told once, when it comes about. */
export class Announcer {
  readonly #last = new Map<string, string>();
  readonly #emit: (event: EventBody) => void;

  constructor(emit: (event: EventBody) => void) {
    this.#emit = emit;
  }

  /** Takes note of a state without telling it: it was there before this daemon. */
  note(summary: Omit<AppSummary, "urls">): void {
    this.#last.set(summary.name, keyOf(summary));
  }

  tell(summary: Omit<AppSummary, "urls">): void {
    const { name: app, status, revision } = summary;
    const key = keyOf(summary);
    if (this.#last.get(app) === key) return;
    this.#last.set(app, key);
    if (status === "healthy" || status === "completed") this.#emit({ type: "app.healthy", app, revision });
    if (status === "stopped" && summary.running === 0) this.#emit({ type: "app.stopped", app });
  }

  removed(app: string): void {
    if (this.#last.delete(app)) this.#emit({ type: "app.removed", app });
  }
}

const keyOf = ({ status, revision, running }: Omit<AppSummary, "urls">): string =>
  status === "stopped" ? `stopped ${running === 0}` : `${status} ${revision}`;
