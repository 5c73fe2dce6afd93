/** Chance that can be repeated: the same seed gives the same choices (mulberry32, public domain). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)];
    if (picked === undefined) throw new Error("nothing to pick from");
    return picked;
  }

  /** Chance of its own for something that runs at the same time as others: what those draw does not change it. */
  fork(): Chance {
    return new Chance(this.below(2 ** 32));
  }
}

/** The seed of this run: CONSTELLATION_CHAOS_SEED repeats an earlier one. */
export const chaosSeed = Number(process.env["CONSTELLATION_CHAOS_SEED"] ?? Date.now() % 2 ** 31);
