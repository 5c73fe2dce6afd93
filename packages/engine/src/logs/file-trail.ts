import { closeSync, fstatSync, readSync, statSync } from "node:fs";
import { liveInode, type LogFile, logFiles, openLogFile } from "./rotation.ts";

/**
 * What a look at the trail found: bytes (none when it went on to the next file), the end for now,
 * files that were removed unread, or that there is no log any more.
 */
export type Step =
  | { readonly kind: "bytes"; readonly length: number }
  | { readonly kind: "end" }
  | { readonly kind: "gap"; readonly bytes: number }
  | { readonly kind: "gone" };

interface Open {
  readonly file: number;
  readonly inode: number;
  offset: number;
  /** Rotation has moved it away: nothing is written to it any more. */
  sealed: boolean;
}

/** How often the files behind the open one are noted, so that a loss can be counted. */
const noteEveryBytes = 4 * 1024 * 1024;

/** Reads one instance's log across rotations, oldest to newest, by inode; the open file stays readable when it is removed. */
export class FileTrail {
  readonly #folder: string;
  #open: Open | undefined;
  /** The file after the open one, held so that it stays readable and its inode is given to no other. */
  #successor: Open | undefined;
  /** Those after it, to count what is lost when they are removed unread. */
  #newer: LogFile[] = [];
  #sinceNote = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get inode(): number {
    return this.#open?.inode ?? 0;
  }

  get offset(): number {
    return this.#open?.offset ?? 0;
  }

  /** Goes to a place in a file; false when the file is gone. */
  place(file: LogFile, offset: number): boolean {
    const opened = opening(file, offset);
    if (opened === undefined) return false;
    this.close();
    this.#open = opened;
    this.#note();
    return true;
  }

  /** Reads on into the buffer from `at`, at most `length` bytes. */
  read(buffer: Buffer, at: number, length: number): Step {
    const open = this.#open;
    if (open === undefined) return this.#begin();
    const read = readSync(open.file, buffer, at, length, open.offset);
    if (read > 0) {
      open.offset += read;
      this.#sinceNote += read;
      if (this.#sinceNote >= noteEveryBytes) this.#note();
      return { kind: "bytes", length: read };
    }
    if (open.sealed) return this.#advance(open);
    if (liveInode(this.#folder) === open.inode) return this.#truncated(open);
    // Rotated since: what was written to it before that may have come after our read.
    open.sealed = true;
    return this.read(buffer, at, length);
  }

  close(): void {
    for (const open of [this.#open, this.#successor]) if (open !== undefined) closeSync(open.file);
    this.#open = undefined;
    this.#successor = undefined;
    this.#newer = [];
  }

  #begin(): Step {
    const [oldest] = logFiles(this.#folder);
    if (oldest !== undefined) return this.place(oldest, 0) ? { kind: "bytes", length: 0 } : { kind: "end" };
    return { kind: statSync(this.#folder, { throwIfNoEntry: false }) === undefined ? "gone" : "end" };
  }

  // A file that became shorter was emptied by somebody: begin it again.
  #truncated(open: Open): Step {
    if (fstatSync(open.file).size >= open.offset) return { kind: "end" };
    open.offset = 0;
    return { kind: "gap", bytes: 0 };
  }

  #advance(open: Open): Step {
    if (this.#successor === undefined) this.#note();
    if (this.#successor !== undefined) {
      closeSync(open.file);
      this.#open = this.#successor;
      this.#successor = undefined;
      this.#note();
      return { kind: "bytes", length: 0 };
    }
    const files = logFiles(this.#folder);
    const [oldest] = files;
    if (oldest === undefined)
      return { kind: statSync(this.#folder, { throwIfNoEntry: false }) === undefined ? "gone" : "end" };
    // The next one is not there yet, or was renamed just now: look again later.
    if (files.some(({ inode }) => inode === open.inode)) return { kind: "end" };
    // Ours was removed before its successor was seen: whether there were others in between cannot be known.
    const lost = this.#newer.filter(({ inode }) => !files.some((file) => file.inode === inode));
    return this.place(oldest, 0) ? { kind: "gap", bytes: sizeOf(lost) } : { kind: "end" };
  }

  #note(): void {
    this.#sinceNote = 0;
    const files = logFiles(this.#folder);
    const place = files.findIndex(({ inode }) => inode === (this.#successor ?? this.#open)?.inode);
    if (place < 0) return;
    const [next, ...newer] = files.slice(place + 1);
    if (this.#successor !== undefined) this.#newer = next === undefined ? [] : [next, ...newer];
    else {
      this.#successor = next === undefined ? undefined : opening(next, 0);
      this.#newer = newer;
    }
  }
}

function opening(file: LogFile, offset: number): Open | undefined {
  const opened = openLogFile(file);
  return opened === undefined ? undefined : { file: opened, inode: file.inode, offset, sealed: false };
}

function sizeOf(files: readonly LogFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
