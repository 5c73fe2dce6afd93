/** How many messages may still be under way. */
export class Credit {
  readonly #limit: number;
  #left: number;
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>();

  constructor(limit: number) {
    this.#limit = limit;
    this.#left = limit;
  }

  /** False when there is none. */
  spend(): boolean {
    if (this.#left <= 0) return false;
    this.#left -= 1;
    return true;
  }

  repay(count: number): void {
    this.#left = Math.min(this.#limit, this.#left + count);
    for (let free = this.#left; free > 0 && this.#waiting.size > 0; free -= 1) this.#wakeNext();
  }

  /** Waits for credit. @throws the signal's reason when it aborts */
  async room(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    while (this.#left <= 0) {
      await this.#wait(signal);
      if (signal?.aborted !== true) continue;
      // It may have been woken for credit, and then that is for the next one.
      if (this.#left > 0) this.#wakeNext();
      throw signal.reason;
    }
  }

  /** Nobody need wait any more. */
  close(): void {
    this.#left = Math.max(this.#left, 1);
    while (this.#waiting.size > 0) this.#wakeNext();
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  #wakeNext(): void {
    for (const wake of this.#waiting) {
      wake();
      return;
    }
  }
}
