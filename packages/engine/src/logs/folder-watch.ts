import { type FSWatcher, mkdirSync, watch } from "node:fs";
import { join } from "node:path";
import { onAbort } from "../abort.ts";
import type { LogWatch } from "./reading.ts";

/** How often is looked although nothing was heard: notices are lost on some file systems. */
const pollWatchedMs = 1000;
/** How often is looked where the system gives no notices (out of watches, network file systems). */
const pollBlindMs = 100;

/** Tells which folders of instances may have changed, by the system's notices and by looking from time to time. */
export class FolderWatch implements LogWatch {
  readonly #directory: string;
  readonly #root: FSWatcher | undefined;
  readonly #watchers = new Map<string, FSWatcher | undefined>();
  #written = new Set<string>();
  #listing = false;
  #blind = false;
  #wake: () => void = () => undefined;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    this.#root = this.#start(directory, (name) => {
      this.#listing = true;
      if (name === null || !this.#watchers.has(name)) return;
      // A folder that was deleted and made anew is another one, of which the watch before tells nothing.
      this.#renew(name);
      this.#written.add(name);
    });
  }

  add(instance: string): void {
    if (!this.#watchers.has(instance)) this.#renew(instance);
  }

  #renew(instance: string): void {
    this.#watchers.get(instance)?.close();
    const heard = (): void => void this.#written.add(instance);
    this.#watchers.set(instance, this.#start(join(this.#directory, instance), heard));
  }

  remove(instance: string): void {
    this.#watchers.get(instance)?.close();
    this.#watchers.delete(instance);
    this.#written.delete(instance);
  }

  async wait(signal: AbortSignal): Promise<{ looked: boolean; listing: boolean; written: ReadonlySet<string> }> {
    const looked = this.#listing || this.#written.size > 0 || signal.aborted ? false : await this.#pause(signal);
    const heard = { looked, listing: this.#listing, written: this.#written };
    this.#listing = false;
    this.#written = new Set();
    return heard;
  }

  close(): void {
    this.#root?.close();
    for (const watcher of this.#watchers.values()) watcher?.close();
    this.#watchers.clear();
  }

  // Resolves true when the time to look has come, false when something was heard.
  #pause(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (looked: boolean): void => {
        clearTimeout(timer);
        forget();
        this.#wake = () => undefined;
        resolve(looked);
      };
      const heard = (): void => end(false);
      const timer = setTimeout(() => end(true), this.#blind ? pollBlindMs : pollWatchedMs);
      const forget = onAbort(signal, heard);
      this.#wake = heard;
    });
  }

  #start(folder: string, heard: (name: string | null) => void): FSWatcher | undefined {
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        heard(name);
        this.#wake();
      });
      watcher.on("error", () => {
        watcher.close();
        this.#blind = true;
      });
      return watcher;
    } catch (error) {
      // Of a folder that is not there, the one above tells when it comes.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.#blind = true;
      return undefined;
    }
  }
}
