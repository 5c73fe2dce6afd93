import type { Exit, InstanceState } from "@constellation/contract";

/** Entries kept for one instance; the oldest go first. */
const kept = 50;

/** What happened to an instance lately, in words. */
export class History {
  readonly #entries: { readonly at: number; readonly text: string }[] = [];

  get entries(): readonly { readonly at: number; readonly text: string }[] {
    return this.#entries;
  }

  /** A state that was reached. */
  add(at: number, state: InstanceState): void {
    this.#note(at, describe(state));
  }

  /** How a run ended. */
  ended(at: number, { reason }: Exit): void {
    this.#note(at, `ended: ${reason}`);
  }

  #note(at: number, text: string): void {
    if (this.#entries.at(-1)?.text === text) return;
    this.#entries.push({ at, text });
    if (this.#entries.length > kept) this.#entries.shift();
  }
}

function describe(state: InstanceState): string {
  switch (state.status) {
    case "waiting":
      return `waits for ${state.for}`;
    case "running":
      return state.ready
        ? `runs as process ${state.pid} and is ready`
        : `runs as process ${state.pid}: ${state.notReady}`;
    case "backoff":
      return `is started again in ${Math.max(0, Math.round(state.until - state.since))} ms`;
    case "failed":
      return `failed: ${state.reason}`;
    default:
      return state.status;
  }
}
