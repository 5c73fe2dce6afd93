import { KeptFile } from "../proc/kept-file.ts";

/** Kernel files opened when first read and kept; one that this kernel lacks is asked for once. */
export class LazyFiles {
  readonly #files = new Map<string, KeptFile | undefined>();

  get(path: string): KeptFile | undefined {
    if (!this.#files.has(path)) this.#files.set(path, KeptFile.openIfPresent(path));
    return this.#files.get(path);
  }

  text(path: string): string | undefined {
    return this.get(path)?.read();
  }

  unsigned(path: string): number | undefined {
    return this.get(path)?.readUnsigned();
  }

  close(): void {
    for (const file of this.#files.values()) file?.close();
    this.#files.clear();
  }
}
