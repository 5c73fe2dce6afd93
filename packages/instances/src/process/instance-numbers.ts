import { join } from "node:path";
import { ConstellationError } from "@constellation/contract";
import { readJson, writeAtomically } from "./atomic-file.ts";

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

  /** @throws Error when the file is damaged */
  constructor(stateFolder: string) {
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
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    let number = 0;
    while (this.#taken.has(number)) number += 1;
    if (number >= numberLimit) {
      throw new ConstellationError(
        "limit.exceeds-node",
        `Cannot start ${name}: this node knows ${numberLimit} instances`,
        {
          remedy: "Remove apps, or use another node.",
        },
      );
    }
    this.#numbers.set(name, number);
    this.#taken.add(number);
    this.#write();
    return number;
  }

  forget(name: string): void {
    const number = this.#numbers.get(name);
    if (number === undefined) return;
    this.#numbers.delete(name);
    this.#taken.delete(number);
    this.#write();
  }

  #write(): void {
    writeAtomically(this.#path, JSON.stringify(Object.fromEntries(this.#numbers)), { durable: true });
  }
}
