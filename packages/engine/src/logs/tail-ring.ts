import type { LogEntry } from "./log-store.ts";

/** Keeps the last lines of what passes; gaps between them stay, those before them go. */
export class TailRing {
  readonly #count: number;
  #kept: LogEntry[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  add(entries: readonly LogEntry[]): void {
    if (this.#count === 0) return;
    for (const entry of entries) this.#kept.push(entry);
    // Cut seldom: shifting one by one is quadratic.
    if (this.#kept.length > 2 * this.#count + 1024) this.#kept = this.#kept.slice(-this.#count);
  }

  take(): LogEntry[] {
    const kept = this.#count === 0 ? [] : this.#kept.slice(-this.#count);
    this.#kept = [];
    return kept;
  }
}
