/** A growing ring: a queue whose `shift` does not move its elements. */
export class Fifo<T> {
  #slots: (T | undefined)[] = [undefined, undefined, undefined, undefined];
  #read = 0;
  size = 0;

  push(value: T): void {
    if (this.size === this.#slots.length) this.#grow();
    this.#slots[(this.#read + this.size) & (this.#slots.length - 1)] = value;
    this.size += 1;
  }

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
