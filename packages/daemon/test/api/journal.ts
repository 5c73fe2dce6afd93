/** An append-only list that can be read to its end or followed. */
export class Journal<T> {
  readonly items: T[] = [];
  readonly #waiting = new Set<() => void>();

  append(item: T): void {
    this.items.push(item);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Items from position `from`; with `follow` those to come as well, until `signal` aborts. */
  async *read(from: number, follow: boolean, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
    for (let at = from; !signal.aborted; at += 1) {
      while (at >= this.items.length) {
        if (!follow || signal.aborted) return;
        await this.#change(signal);
      }
      const item = this.items[at];
      if (item !== undefined) yield item;
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener("abort", wake);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}
