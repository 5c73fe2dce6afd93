import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { formatPiece, headBytes } from "./cri.ts";
import type { NewLogLine } from "./log-store.ts";
import { liveName } from "./rotation.ts";

/** How much of one instance's log is kept. */
export interface WriterLimits {
  /** A file that would grow past this is rotated. @default 10_000_000 */
  readonly maxFileBytes: number;
  /** Rotated files kept beside the one being written. @default 4 */
  readonly rotatedFiles: number;
}

const maxPieceBytes = 16 * 1024;

/** Writes one instance's log as its supervisor would: whole lines, rotated between them. */
export class LogFileWriter {
  readonly #folder: string;
  readonly #limits: WriterLimits;
  #file: number;
  #bytes: number;

  constructor(folder: string, limits: WriterLimits) {
    this.#folder = folder;
    this.#limits = limits;
    this.#file = openSync(this.#path(0), "a+", 0o640);
    try {
      this.#bytes = endTorn(this.#file);
    } catch (error) {
      closeSync(this.#file);
      throw error;
    }
  }

  /** After it has thrown, close it and open another: what it has written is not known. */
  write(time: string, lines: readonly NewLogLine[]): void {
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    const flush = (): void => {
      if (pendingBytes > 0) writeAll(this.#file, Buffer.concat(pending));
      this.#bytes += pendingBytes;
      pending = [];
      pendingBytes = 0;
    };
    for (const { stream, text } of lines) {
      for (const line of text.split("\n")) {
        const entry = encodeLine(time, stream, Buffer.from(line));
        if (
          this.#bytes + pendingBytes > 0 &&
          this.#bytes + pendingBytes + entry.byteLength > this.#limits.maxFileBytes
        ) {
          flush();
          this.#rotate();
        }
        pending.push(entry);
        pendingBytes += entry.byteLength;
      }
    }
    flush();
  }

  close(): void {
    closeSync(this.#file);
  }

  #rotate(): void {
    rmSync(this.#path(this.#limits.rotatedFiles), { force: true });
    for (let number = this.#limits.rotatedFiles; number > 0; number -= 1) {
      try {
        renameSync(this.#path(number - 1), this.#path(number));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
    // Closed only when there is another: its number may be given to any file.
    const next = openSync(this.#path(0), "a+", 0o640);
    closeSync(this.#file);
    this.#file = next;
    this.#bytes = 0;
  }

  #path(number: number): string {
    return join(this.#folder, number === 0 ? liveName : `${liveName}.${number}`);
  }
}

// A writer that was killed, or whose disk was full, left a line without its end: the next one must not become its rest.
function endTorn(file: number): number {
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  if (size === 0 || (readSync(file, last, 0, 1, size - 1) === 1 && last[0] === 0x0a)) return size;
  writeAll(file, Buffer.from("\n"));
  return size + 1;
}

function encodeLine(time: string, stream: NewLogLine["stream"], text: Buffer): Buffer {
  if (text.byteLength <= maxPieceBytes) return formatPiece(time, stream, true, text);
  const pieces: Buffer[] = [];
  for (let start = 0; start < text.byteLength; start += maxPieceBytes) {
    const isLast = start + maxPieceBytes >= text.byteLength;
    pieces.push(formatPiece(time, stream, isLast, text.subarray(start, start + maxPieceBytes)));
  }
  return Buffer.concat(pieces, text.byteLength + pieces.length * (headBytes + 1));
}

function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.byteLength;) at += writeSync(file, bytes, at);
}
