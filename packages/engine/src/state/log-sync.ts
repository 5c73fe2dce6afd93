import { closeSync, fdatasync, openSync } from "node:fs";

/**
 * Brings what SQLite has put into its write-ahead log to the disk, on a thread of Node's pool: a slow disk keeps only
 * those waiting who asked for durability, never the event loop. Calls that come while one sync is under way share the
 * next (group commit), since that one may have begun before their commit.
 */
export class LogSync {
  readonly #path: string;
  #file: number | null = null;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  /** @param path of the database; its log lies beside it and stays the same file while the database is open */
  constructor(path: string) {
    this.#path = `${path}-wal`;
  }

  /** Resolves when everything committed before the call is on the disk. @throws the system's error; what is on the disk is not known then */
  sync(): Promise<void> {
    if (this.#running === null && this.#next === null) return this.#begin();
    this.#next ??= (this.#running ?? Promise.resolve()).then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  /** Resolves when nothing is under way. Never rejects. */
  async idle(): Promise<void> {
    while (this.#next !== null || this.#running !== null) await (this.#next ?? this.#running)?.catch(() => undefined);
  }

  /** Call it when idle. */
  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #begin(): Promise<void> {
    this.#next = null;
    const running = new Promise<void>((resolve, reject) => {
      this.#file ??= openSync(this.#path, "r");
      fdatasync(this.#file, (error) => (error === null ? resolve() : reject(error)));
    }).finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }
}
