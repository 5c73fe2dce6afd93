import type { InstanceState } from "@constellation/contract";

/** Entries kept for one instance; the oldest go first. */
const kept = 50;

/** What happened to an instance lately, in words. */
export class History {
  readonly #entries: { readonly at: number; readonly text: string }[] = [];

  get entries(): readonly { readonly at: number; readonly text: string }[] {
    return this.#entries;
  }

  add(at: number, state: InstanceState): void {
    const text = describe(state);
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
      return `${state.last.reason}; is started again in ${Math.max(0, Math.round(state.until - state.since))} ms`;
    case "completed":
      return state.last.reason;
    case "stopped":
      return state.last === null ? "stopped" : `stopped: ${state.last.reason}`;
    case "failed":
      return `failed: ${state.reason}`;
    default:
      return state.status;
  }
}
