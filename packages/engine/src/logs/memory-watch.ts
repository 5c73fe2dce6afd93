import { onAbort } from "../abort.ts";
import type { LogWatch } from "./reading.ts";

/** Tells a follower what was appended. */
export class MemoryWatch implements LogWatch {
  readonly #all: Set<MemoryWatch>;
  #written = new Set<string>();
  #listing = false;
  #wake: () => void = () => undefined;

  constructor(all: Set<MemoryWatch>) {
    this.#all = all;
    all.add(this);
  }

  heard(instance: string, listing: boolean): void {
    this.#written.add(instance);
    this.#listing ||= listing;
    this.#wake();
  }

  add(): void {
    // Everything is heard.
  }

  remove(instance: string): void {
    this.#written.delete(instance);
  }

  async wait(signal: AbortSignal): Promise<{ looked: boolean; listing: boolean; written: ReadonlySet<string> }> {
    if (this.#written.size === 0 && !this.#listing && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const heard = (): void => {
          forget();
          resolve();
        };
        this.#wake = heard;
        const forget = onAbort(signal, heard);
      });
    }
    const heard = { looked: false, listing: this.#listing, written: this.#written };
    this.#written = new Set();
    this.#listing = false;
    return heard;
  }

  close(): void {
    this.#all.delete(this);
  }
}
