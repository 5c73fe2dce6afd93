import { readSync } from "node:fs";
import { parsePiece, timeAt } from "./cri.ts";
import type { LogStreamName } from "./log-store.ts";

const probeBytes = 32 * 1024;
const newline = 0x0a;

/**
 * Where in an open file the first entry at or after the time begins, found by halving: a few reads however long
 * the file is. Its size when there is none.
 */
export function offsetOfTime(file: number, sizeBytes: number, time: string): number {
  const buffer = Buffer.allocUnsafe(probeBytes);
  let first = sizeBytes;
  let low = 0;
  let high = sizeBytes;
  // Entries that begin before `low` are older than the time; `first` is the first that begins at or after `high`.
  while (low < high) {
    const middle = high - low <= 1024 ? low : Math.floor((low + high) / 2);
    const found = firstEntryFrom(file, buffer, middle, high);
    if (found !== null && found.time < time) low = found.end;
    else {
      if (found !== null) first = found.start;
      if (middle === low) break;
      high = middle;
    }
  }
  return first;
}

/**
 * Where the last `count` complete lines begin, looking backwards from `sizeBytes`; `missing` are those that the file
 * does not have.
 */
export function offsetOfTail(
  file: number,
  sizeBytes: number,
  count: number,
  stream: LogStreamName | undefined,
): { readonly offset: number; readonly missing: number } {
  let missing = count;
  let end = endOfLines(file, sizeBytes);
  let carry = Buffer.alloc(0);
  let offset = end;
  while (end > 0) {
    const start = Math.max(0, end - probeBytes);
    const block = Buffer.concat([readAt(file, start, end - start), carry]);
    // Entries begin after line ends; the block's first one may begin before the block.
    let cut = block.byteLength;
    for (let at = block.lastIndexOf(newline, cut - 2); ; at = at < 1 ? -1 : block.lastIndexOf(newline, at - 1)) {
      if (at < 0 && start > 0) break;
      const piece = parsePiece(block, at + 1, cut);
      if (piece?.full === true && (stream === undefined || piece.stream === stream)) {
        if (missing === 0) return { offset: start + cut, missing };
        missing -= 1;
      }
      cut = at + 1;
      offset = start + cut;
      if (at < 0) break;
    }
    carry = block.subarray(0, cut);
    // A "line" without end that is larger than any we write: leave it to the reader to report.
    if (carry.byteLength > 16 * probeBytes) carry = Buffer.alloc(0);
    end = start;
  }
  return { offset: missing > 0 ? 0 : offset, missing: Math.max(0, missing) };
}

// What is behind the last line end is still being written: no line yet, and none to begin in.
function endOfLines(file: number, sizeBytes: number): number {
  for (let end = sizeBytes; end > 0; end -= probeBytes) {
    const start = Math.max(0, end - probeBytes);
    const last = readAt(file, start, end - start).lastIndexOf(newline);
    if (last >= 0) return start + last + 1;
  }
  return 0;
}

interface Found {
  readonly start: number;
  readonly end: number;
  readonly time: string;
}

// The first whole entry that begins at or after `from` (which is 0, after a line end, or anywhere in a line).
function firstEntryFrom(file: number, buffer: Buffer, from: number, before: number): Found | null {
  let position = from;
  let inLine = from > 0;
  if (inLine) position -= 1;
  while (position < before) {
    const length = readSync(file, buffer, 0, buffer.byteLength, position);
    if (length === 0) return null;
    let at = 0;
    if (inLine) {
      at = buffer.subarray(0, length).indexOf(newline) + 1;
      if (at === 0) {
        position += length;
        continue;
      }
      inLine = false;
    }
    for (; position + at < before;) {
      const end = buffer.subarray(0, length).indexOf(newline, at);
      if (end < 0) break;
      const time = timeAt(buffer, at, end);
      if (time !== null) return { start: position + at, end: position + end + 1, time };
      at = end + 1;
    }
    if (position + at >= before) return null;
    if (at === 0) {
      inLine = true;
      position += length;
    } else position += at;
    if (length < buffer.byteLength && at === 0) return null;
  }
  return null;
}

function readAt(file: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  return buffer.subarray(0, readSync(file, buffer, 0, length, position));
}
