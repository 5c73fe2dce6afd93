import { join } from "node:path";
import { ConstellationError } from "@constellation/contract";
import { NumberFile } from "./number-file.ts";

/** Instances that one node can know at a time: as many networks of four addresses as a /16 holds. */
export const numberLimit = 16_384;

/**
 * A small number for each instance name, kept on disk: its user, its addresses and its interface are made of it. It
 * stays with the name until the instance is forgotten, since files of the data folder belong to that user.
 */
export class InstanceNumbers {
  readonly #file: NumberFile;
  readonly #numbers: Map<string, number>;
  readonly #taken: Set<number>;
  readonly #first: number;
  readonly #isForeign: (number: number) => boolean;

  /**
   * @param first number that the search for a free one begins with
   * @param isForeign whether another daemon of this machine uses a number that is free here
   * @throws Error when the file is damaged
   */
  constructor(stateFolder: string, first = 0, isForeign: (number: number) => boolean = () => false) {
    this.#first = first;
    this.#isForeign = isForeign;
    this.#file = new NumberFile(join(stateFolder, "numbers.jsonl"));
    this.#numbers = this.#file.load();
    this.#taken = new Set(this.#numbers.values());
  }

  /** The number of an instance; a new name gets the lowest that is free. @throws Error as {@link give} */
  take(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.reserve(name);
    try {
      return this.give(name, number);
    } catch (error) {
      this.free(number);
      throw error;
    }
  }

  /** The number of an instance, when it has one. */
  of(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  /** A number for something that has no instance's name yet. It is not kept on disk. @param wanted for whom, in an error */
  reserve(wanted: string): number {
    let number = this.#first;
    let looked = 0;
    while (looked < numberLimit && (this.#taken.has(number) || this.#isForeign(number))) {
      number = (number + 1) % numberLimit;
      looked += 1;
    }
    if (looked >= numberLimit) {
      throw new ConstellationError(
        "limit.exceeds-node",
        `Cannot start ${wanted}: this node knows ${numberLimit} instances, those of other daemons included`,
        {
          remedy:
            "Remove apps that you no longer need with what they have written (`constellation rm --data`), or use another node.",
        },
      );
    }
    this.#taken.add(number);
    return number;
  }

  /**
   * Gives an instance a number that was reserved, in the place of the one it had.
   *
   * @throws Error of the system when it cannot be kept; nothing has changed then
   */
  give(name: string, number: number): number {
    const before = this.#numbers.get(name);
    this.#numbers.set(name, number);
    try {
      this.#file.note(name, number, this.#numbers);
    } catch (error) {
      if (before === undefined) this.#numbers.delete(name);
      else this.#numbers.set(name, before);
      throw error;
    }
    if (before !== undefined && before !== number) this.#taken.delete(before);
    return number;
  }

  /** Takes a reserved number back, unless an instance has got it. */
  free(number: number): void {
    if (![...this.#numbers.values()].includes(number)) this.#taken.delete(number);
  }

  /** Lets go of the file. */
  close(): void {
    this.#file.close();
  }

  /** Instances of an app that have a number. */
  namesOf(app: string): string[] {
    return [...this.#numbers.keys()].filter((name) => name.slice(0, name.lastIndexOf(".")) === app);
  }

  /** Its number is free for others. @throws Error of the system when that cannot be kept; nothing has changed then */
  forget(name: string): void {
    const number = this.#numbers.get(name);
    if (number === undefined) return;
    this.#numbers.delete(name);
    try {
      this.#file.note(name, null, this.#numbers);
    } catch (error) {
      this.#numbers.set(name, number);
      throw error;
    }
    this.#taken.delete(number);
  }
}
