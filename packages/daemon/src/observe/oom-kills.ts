import type { RunHandle } from "@constellation/instances";

/** Knows which of the kernel's OOM kills have been told: the kernel counts them for each run and says nothing when it does. */
export class OomKills {
  readonly #told = new WeakMap<RunHandle, number>();
  readonly #sinceMs: number;

  /** @param sinceMs of runs that are older it is not known what was told: those are counted from the first look on */
  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs;
  }

  /** How many there are to be told; whoever asks tells them. */
  take(handle: RunHandle, kills: number): number {
    const told = this.#told.get(handle) ?? (handle.facts.startedAt >= this.#sinceMs ? 0 : kills);
    this.#told.set(handle, kills);
    return kills - told;
  }
}
