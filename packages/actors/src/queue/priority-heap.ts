interface Item {
  readonly rank: number;
  readonly order: number;
  readonly message: unknown;
}

/** A binary heap of messages, lowest rank first and equal ranks in order of arrival. */
export class PriorityHeap {
  readonly #items: Item[] = [];
  readonly #rankOf: (message: unknown) => number;
  #arrivals = 0;
  #returns = 0;

  constructor(rankOf: (message: unknown) => number) {
    this.#rankOf = rankOf;
  }

  get size(): number {
    return this.#items.length;
  }

  push(message: unknown): void {
    this.#add({ rank: this.#rankOf(message), order: this.#arrivals++, message });
  }

  /** Adds a message before all of its rank. */
  putBack(message: unknown): void {
    this.#add({ rank: this.#rankOf(message), order: --this.#returns, message });
  }

  #add(item: Item): void {
    const items = this.#items;
    let index = items.push(item) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (!precedes(item, items[above] as Item)) break;
      items[index] = items[above] as Item;
      index = above;
    }
    items[index] = item;
  }

  /** Takes the first message; the heap must not be empty. */
  shift(): unknown {
    const items = this.#items;
    const first = items[0] as Item;
    const last = items.pop() as Item;
    if (items.length > 0) this.#sink(last);
    return first.message;
  }

  /** Takes the message that has waited longest, whatever its rank; the heap must not be empty. */
  removeOldest(): unknown {
    const items = this.#items;
    let oldest = 0;
    for (let index = 1; index < items.length; index += 1)
      if ((items[index] as Item).order < (items[oldest] as Item).order) oldest = index;
    const [removed] = items.splice(oldest, 1) as [Item];
    // Rare, and linear already: a sorted array is a heap.
    items.sort((a, b) => (precedes(a, b) ? -1 : 1));
    return removed.message;
  }

  #sink(item: Item): void {
    const items = this.#items;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= items.length) break;
      if (below + 1 < items.length && precedes(items[below + 1] as Item, items[below] as Item)) below += 1;
      if (!precedes(items[below] as Item, item)) break;
      items[index] = items[below] as Item;
      index = below;
    }
    items[index] = item;
  }
}

function precedes(a: Item, b: Item): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.order < b.order);
}
