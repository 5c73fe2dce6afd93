import { closeSync, fdatasync, openSync, readFileSync, writeFileSync } from "node:fs";
import { writeAtomically } from "./atomic-file.ts";

const flushDelayMs = 50;
/** Lines that may say what is no longer so, before the file is written anew. */
const mostStale = 1024;

/**
 * Numbers by name in a file to which every change adds a line, `["web.2",7]` or `["web.2",null]`: a line costs a start a
 * tenth of what a new file costs. A line that a crash cut off was of something that never began.
 */
export class NumberFile {
  readonly #path: string;
  /** Open for what is added; null: not yet, or its place was taken by a new one. */
  #file: number | null = null;
  #lines = 0;
  #live = 0;
  #flush: NodeJS.Timeout | null = null;
  /** A full disk cut the last line off; what is added behind it could not be read. */
  #torn = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws Error naming the file when it is damaged; it stays as it is then */
  load(): Map<string, number> {
    const numbers = new Map<string, number>();
    const text = readOrNothing(this.#path);
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole === "" && text !== "" && !text.startsWith("[")) throw this.#damaged(text);
    for (const line of whole.split("\n").slice(0, -1)) {
      const [name, number] = this.#parse(line);
      if (number === null) numbers.delete(name);
      else numbers.set(name, number);
      this.#lines += 1;
    }
    this.#live = numbers.size;
    if (whole !== text || this.#lines > this.#live + mostStale) this.#rewrite(numbers);
    return numbers;
  }

  /**
   * Keeps a change. A hundred of them share one sync of the disk, and none waits for it.
   *
   * @param all what holds now
   * @throws Error of the system, on a full disk for one; the next daemon finds the change or not
   */
  note(name: string, number: number | null, all: ReadonlyMap<string, number>): void {
    this.#live = all.size;
    if (this.#torn || this.#lines >= this.#live + mostStale) this.#rewrite(all);
    else this.#append(lineOf(name, number));
    this.#flush ??= setTimeout(() => this.#sync(), flushDelayMs).unref();
  }

  /** What was noted is read by whoever opens it next. */
  close(): void {
    if (this.#flush !== null) clearTimeout(this.#flush);
    this.#flush = null;
    this.#letGo();
  }

  #append(line: string): void {
    this.#torn = true;
    writeFileSync(this.#opened(), line);
    this.#torn = false;
    this.#lines += 1;
  }

  #rewrite(all: ReadonlyMap<string, number>): void {
    this.#letGo();
    writeAtomically(this.#path, [...all].map(([name, number]) => lineOf(name, number)).join(""));
    this.#lines = all.size;
    this.#torn = false;
  }

  #parse(line: string): [string, number | null] {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw this.#damaged(line);
    }
    if (!Array.isArray(value) || value.length !== 2) throw this.#damaged(line);
    const [name, number] = value as unknown[];
    if (typeof name !== "string" || !(number === null || Number.isInteger(number))) throw this.#damaged(line);
    return [name, number as number | null];
  }

  #damaged(line: string): Error {
    return new Error(`${this.#path} is damaged: ${JSON.stringify(line.slice(0, 80))} gives no instance a number`);
  }

  #sync(): void {
    this.#flush = null;
    try {
      fdatasync(this.#opened(), () => undefined);
    } catch {
      // The folder is gone, and so is what the numbers were for.
    }
  }

  #opened(): number {
    return (this.#file ??= openSync(this.#path, "a", 0o600));
  }

  #letGo(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}

const lineOf = (name: string, number: number | null): string => `${JSON.stringify([name, number])}\n`;

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
