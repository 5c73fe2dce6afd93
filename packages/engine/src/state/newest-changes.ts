/** Stands for the newest change of a key that does not exist; changes are numbered from 1. */
export const absent = 0;

/** Keys remembered at most: some 100 bytes each. */
const most = 20_000;

/** What is known of the keys' newest changes without a look into the file; right because only this process writes it. */
export class NewestChanges {
  readonly #ids = new Map<string, number>();
  /** Whether a key that is not here does not exist. */
  #isWhole = false;

  /** The id of the key's newest change, {@link absent}, or undefined when the file must be asked. */
  get(key: string): number | undefined {
    return this.#ids.get(key) ?? (this.#isWhole ? absent : undefined);
  }

  set(key: string, id: number): void {
    if (this.#isWhole && id === absent) {
      this.#ids.delete(key);
      return;
    }
    if (this.#ids.size >= most) this.forget();
    this.#ids.set(key, id);
  }

  /** Takes note of all keys that there are. */
  learn(all: readonly { readonly name: string; readonly id: number }[]): void {
    this.forget();
    if (all.length > most) return;
    for (const { name, id } of all) this.#ids.set(name, id);
    this.#isWhole = true;
  }

  /** Call it when changes were rolled back. */
  forget(): void {
    this.#ids.clear();
    this.#isWhole = false;
  }
}
