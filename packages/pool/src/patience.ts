import { availableParallelism } from "node:os";

/** Every so many waits are given the full patience, to find out whether looking pays again. */
const triesEvery = 64;
/** Who has lost all patience still looks this share of the most: else one success could not win it back. */
const leastShare = 1 / 128;

/**
 * How often somebody looks before it sleeps. To be woken costs 5 to 30 µs, a look a fraction of that and a whole core;
 * which is better depends on how soon the other side comes, so it is learned: looks that found something give all of the
 * patience back, looks in vain halve it. No clock is asked, as its numbers would be garbage on the heap.
 */
export class Patience {
  readonly #most: number;
  readonly #fewest: number;
  #looks: number;
  #waits = 0;

  /** Of `mostLooks` looks, that should take about as long as to be woken; none where the other side needs our core. */
  constructor(mostLooks: number) {
    this.#most = availableParallelism() > 1 ? mostLooks : 0;
    this.#fewest = Math.ceil(this.#most * leastShare);
    this.#looks = this.#most;
  }

  /** Looks that this wait may take. */
  begin(): number {
    this.#waits = (this.#waits + 1) % triesEvery;
    return this.#waits === 0 ? this.#most : this.#looks;
  }

  paid(): void {
    this.#looks = this.#most;
  }

  wasInVain(): void {
    this.#looks = Math.max(this.#fewest, this.#looks >> 1);
  }
}
