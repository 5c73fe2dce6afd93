import { Fifo } from "../queue/fifo.ts";

/** How many messages may still be under way. */
export class Credit {
  readonly #limit: number;
  #left: number;
  readonly #waiting = new Fifo<() => void>();

  constructor(limit: number) {
    this.#limit = limit;
    this.#left = limit;
  }

  /** False when there is none. */
  spend(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }

  repay(count: number): void {
    this.#left = Math.min(this.#limit, this.#left + count);
    for (let free = this.#left; free > 0 && this.#waiting.size > 0; free -= 1) this.#waiting.shift()?.();
  }

  /** Waits for credit. @throws the signal's reason when it aborts */
  async room(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    while (this.#left === 0) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiting.push(wake);
        signal?.addEventListener("abort", wake, { once: true });
      });
      signal?.throwIfAborted();
    }
  }

  /** Nobody need wait any more. */
  close(): void {
    this.#left = Math.max(this.#left, 1);
    for (let waiter = this.#waiting.shift(); waiter !== undefined; waiter = this.#waiting.shift()) waiter();
  }
}
