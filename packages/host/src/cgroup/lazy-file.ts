import { KeptFile } from "../proc/kept-file.ts";

/** A kernel file opened when first read and kept; one that this kernel lacks is asked for once, and reads as undefined. */
export class LazyFile {
  readonly #path: string | undefined;
  #file: KeptFile | undefined;
  #asked = false;

  /** Without a path the file is one that is not there. */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** The whole file now. @throws HostError process-gone, permission-denied, file-unreadable */
  text(): string | undefined {
    return (this.#asked ? this.#file : this.#ask())?.read();
  }

  /** The unsigned number that is the whole file now. @throws HostError process-gone, permission-denied, file-unreadable */
  unsigned(): number | undefined {
    return (this.#asked ? this.#file : this.#ask())?.readUnsigned();
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#asked = false;
  }

  #ask(): KeptFile | undefined {
    this.#file = this.#path === undefined ? undefined : KeptFile.openIfPresent(this.#path);
    // Only now: where no descriptor was left it is asked for again.
    this.#asked = true;
    return this.#file;
  }
}
