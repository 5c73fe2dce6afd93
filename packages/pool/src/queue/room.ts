/** Callers who wait until a queue is at most half full. */
export class Room {
  readonly #hasRoom: () => boolean;
  readonly #waiters = new Set<() => void>();

  constructor(hasRoom: () => boolean) {
    this.#hasRoom = hasRoom;
  }

  /** Resolves when there is room. @throws the reason of an aborted signal */
  when(signal: AbortSignal | undefined): Promise<void> {
    if (this.#hasRoom()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const aborted = (): void => {
        this.#waiters.delete(roomy);
        reject(signal?.reason as Error);
      };
      const roomy = (): void => {
        signal?.removeEventListener("abort", aborted);
        resolve();
      };
      signal?.addEventListener("abort", aborted, { once: true });
      this.#waiters.add(roomy);
    });
  }

  /** The queue has become shorter. */
  look(): void {
    if (this.#waiters.size === 0 || !this.#hasRoom()) return;
    for (const roomy of this.#waiters) roomy();
    this.#waiters.clear();
  }
}
