import type { LogStreamName } from "./log-store.ts";

/** One entry of a log file in CRI format: `2026-11-21T05:00:00.123456789Z stdout F text`; P instead of F = the line goes on. */
export interface Piece {
  readonly time: string;
  readonly stream: LogStreamName;
  readonly full: boolean;
  /** Where its text begins in the buffer. */
  readonly textStart: number;
}

/** Bytes before the text: time, stream and tag. */
export const headBytes = 40;
const space = 0x20;

/**
 * Reads the entry that lies between `start` and `end` (its line end); null when it is none.
 * The form that our supervisors write is read by position, what other runtimes write by pattern.
 */
export function parsePiece(buffer: Buffer, start: number, end: number): Piece | null {
  if (end - start >= headBytes && buffer[start + 29] === 0x5a && buffer[start + 30] === space) {
    const stream = streamAt(buffer, start + 31);
    const tag = buffer[start + 38];
    const timed = buffer[start + 4] === 0x2d && buffer[start + 10] === 0x54 && buffer[start + 19] === 0x2e;
    if (
      stream !== null &&
      timed &&
      (tag === 0x46 || tag === 0x50) &&
      buffer[start + 37] === space &&
      buffer[start + 39] === space
    ) {
      return {
        time: buffer.toString("latin1", start, start + 30),
        stream,
        full: tag === 0x46,
        textStart: start + headBytes,
      };
    }
  }
  return parseAnyPiece(buffer, start, end);
}

/** The time of the entry that begins at `start`, or null when none does. */
export function timeAt(buffer: Buffer, start: number, end: number): string | null {
  return parsePiece(buffer, start, end)?.time ?? null;
}

/** An entry as it is written. */
export function formatPiece(time: string, stream: LogStreamName, full: boolean, text: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${time} ${stream} ${full ? "F" : "P"} `), text, Buffer.from("\n")]);
}

/** Unix milliseconds in the form of the files. */
export function formatTime(atMs: number): string {
  return `${new Date(Math.floor(atMs)).toISOString().slice(0, 23)}000000Z`;
}

function streamAt(buffer: Buffer, at: number): LogStreamName | null {
  if (buffer[at] !== 0x73 || buffer[at + 1] !== 0x74 || buffer[at + 2] !== 0x64) return null;
  // The two differ from the fourth byte on: "out" and "err".
  if (buffer[at + 3] === 0x6f && buffer[at + 4] === 0x75 && buffer[at + 5] === 0x74) return "stdout";
  return buffer[at + 3] === 0x65 && buffer[at + 4] === 0x72 && buffer[at + 5] === 0x72 ? "stderr" : null;
}

const anyHead = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) (stdout|stderr) ([FP])[^ ]* /;

function parseAnyPiece(buffer: Buffer, start: number, end: number): Piece | null {
  const head = anyHead.exec(buffer.toString("latin1", start, Math.min(end, start + 80)));
  if (head === null) return null;
  const [whole, seconds = "", fraction = "", zone = "", stream, tag] = head;
  const atMs = Date.parse(`${seconds}${zone}`);
  if (Number.isNaN(atMs)) return null;
  const time = `${new Date(atMs).toISOString().slice(0, 19)}.${fraction.padEnd(9, "0")}Z`;
  return { time, stream: stream as LogStreamName, full: tag === "F", textStart: start + whole.length };
}
