import { onAbort } from "../on-abort.ts";

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
        ignore?.();
        reject(signal?.reason as Error);
      };
      const ignore = signal === undefined ? null : onAbort(signal, aborted);
      const roomy = (): void => {
        ignore?.();
        resolve();
      };
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
