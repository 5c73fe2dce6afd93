/** A queue in a growing ring: nothing moves when a value is added or taken at either end. */
export class Fifo<T> {
  #slots: (T | undefined)[] = [undefined, undefined, undefined, undefined];
  #read = 0;
  size = 0;

  /** Adds a value behind all others. */
  push(value: T): void {
    if (this.size === this.#slots.length) this.#grow();
    this.#slots[(this.#read + this.size) & (this.#slots.length - 1)] = value;
    this.size += 1;
  }

  /** Puts a value before all others. */
  unshift(value: T): void {
    if (this.size === this.#slots.length) this.#grow();
    this.#read = (this.#read - 1) & (this.#slots.length - 1);
    this.#slots[this.#read] = value;
    this.size += 1;
  }

  /** The first value, which stays. */
  peek(): T | undefined {
    return this.#slots[this.#read];
  }

  /** Takes the first value; undefined when there is none. */
  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const value = this.#slots[this.#read];
    this.#slots[this.#read] = undefined;
    this.#read = (this.#read + 1) & (this.#slots.length - 1);
    this.size -= 1;
    return value;
  }

  #grow(): void {
    const old = this.#slots;
    const grown: (T | undefined)[] = Array.from({ length: old.length * 2 });
    for (let index = 0; index < this.size; index += 1) grown[index] = old[(this.#read + index) & (old.length - 1)];
    this.#slots = grown;
    this.#read = 0;
  }
}
