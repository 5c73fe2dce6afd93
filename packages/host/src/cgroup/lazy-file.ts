import { KeptFile } from "../proc/kept-file.ts";

/** A kernel file opened when first read and kept; one that this kernel lacks is asked for once. */
export class LazyFile {
  readonly #path: string | undefined;
  #file: KeptFile | undefined;
  #asked = false;

  /** Without a path the file is one that is not there. */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** The open file, or undefined when it is not there. */
  get file(): KeptFile | undefined {
    if (!this.#asked) {
      this.#asked = true;
      this.#file = this.#path === undefined ? undefined : KeptFile.openIfPresent(this.#path);
    }
    return this.#file;
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#asked = false;
  }
}
