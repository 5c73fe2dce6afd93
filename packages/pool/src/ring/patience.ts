import { availableParallelism } from "node:os";

/** About as long as to be woken takes, 15 to 30 µs: looking never costs more than twice what sleeping would have. */
const mostLooks = 2000;
const fewestLooks = 16;
/** Every so many waits are given the full patience, to find out whether looking pays again. */
const triesEvery = 64;

/**
 * How often one side looks before it sleeps. To be woken costs 5 to 30 µs, a look some 10 ns of a whole core; which is
 * better depends on how soon the other side comes, so it is learned: looks that found something double the patience,
 * looks in vain halve it. No clock is asked, as its numbers would be garbage on the heap.
 */
export class Patience {
  readonly #most = availableParallelism() > 1 ? mostLooks : 0;
  #looks = this.#most;
  #waits = 0;

  /** Looks that this wait may take. */
  begin(): number {
    this.#waits = (this.#waits + 1) % triesEvery;
    return this.#waits === 0 ? this.#most : this.#looks;
  }

  paid(): void {
    this.#looks = Math.min(this.#most, this.#looks * 2);
  }

  wasInVain(): void {
    this.#looks = Math.max(Math.min(fewestLooks, this.#most), this.#looks >> 1);
  }
}
