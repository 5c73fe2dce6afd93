import { open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ConstellationError } from "@constellation/contract";
import { readJson, writeAtomically } from "./atomic-file.ts";

const flushDelayMs = 50;

/** Instances that one node can know at a time: as many networks of four addresses as a /16 holds. */
export const numberLimit = 16_384;

/**
 * A small number for each instance name, kept on disk: its user, its addresses and its interface are made of it. It
 * stays with the name until the instance is forgotten, since files of the data folder belong to that user.
 */
export class InstanceNumbers {
  readonly #path: string;
  readonly #numbers: Map<string, number>;
  readonly #taken: Set<number>;
  readonly #first: number;
  #flushing = false;

  /**
   * @param first number that the search for a free one begins with
   * @throws Error when the file is damaged
   */
  constructor(stateFolder: string, first = 0) {
    this.#first = first;
    this.#path = join(stateFolder, "numbers.json");
    const value = readJson(this.#path) ?? {};
    const entries = Object.entries(value as Record<string, unknown>);
    const broken = entries.find(([, number]) => !Number.isInteger(number));
    if (broken !== undefined) throw new Error(`${this.#path} gives ${broken[0]} no number: ${String(broken[1])}`);
    this.#numbers = new Map(entries as [string, number][]);
    this.#taken = new Set(this.#numbers.values());
  }

  /** The number of an instance; a new name gets the lowest that is free. */
  take(name: string): number {
    return this.#numbers.get(name) ?? this.give(name, this.reserve(name));
  }

  /** The number of an instance, when it has one. */
  of(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  /** A number for something that has no instance's name yet. It is not kept on disk. @param wanted for whom, in an error */
  reserve(wanted: string): number {
    let number = this.#first;
    while (this.#taken.has(number) && this.#taken.size < numberLimit) number = (number + 1) % numberLimit;
    if (this.#taken.size >= numberLimit) {
      throw new ConstellationError(
        "limit.exceeds-node",
        `Cannot start ${wanted}: this node knows ${numberLimit} instances`,
        {
          remedy: "Remove apps, or use another node.",
        },
      );
    }
    this.#taken.add(number);
    return number;
  }

  /** Gives an instance a number that was reserved, in the place of the one it had. */
  give(name: string, number: number): number {
    const before = this.#numbers.get(name);
    if (before !== undefined && before !== number) this.#taken.delete(before);
    this.#numbers.set(name, number);
    this.#write();
    return number;
  }

  /** Takes a reserved number back. */
  free(number: number): void {
    this.#taken.delete(number);
  }

  forget(name: string): void {
    const number = this.#numbers.get(name);
    if (number === undefined) return;
    this.#numbers.delete(name);
    this.#taken.delete(number);
    this.#write();
  }

  #write(): void {
    writeAtomically(this.#path, JSON.stringify(Object.fromEntries(this.#numbers)));
    void this.#flush();
  }

  /** Has the disk keep it. A hundred new instances wait for that once and not each, and none of them before its start. */
  async #flush(): Promise<void> {
    if (this.#flushing) return;
    this.#flushing = true;
    await sleep(flushDelayMs, undefined, { ref: false });
    this.#flushing = false;
    try {
      const file = await open(this.#path, "r");
      try {
        await file.datasync();
      } finally {
        await file.close();
      }
    } catch {
      // The folder is gone, and so is what the numbers were for.
    }
  }
}
