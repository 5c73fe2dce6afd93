import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { EngineError } from "../error.ts";

const magic = "SQLite format 3\0";

/** The remedy that every report of a damaged file ends with. */
export function remedyFor(path: string): string {
  return `stop the daemon, move ${path} and its -wal file aside, and put a backup in its place (sqlite3's ".recover" command may save the rest); nothing was changed`;
}

/**
 * Looks at the file before SQLite does, because SQLite takes an emptied file for a new database.
 * Must not be called while this process has the file open: closing any descriptor of it would drop SQLite's locks.
 * @throws EngineError `corrupt`
 */
export function checkFile(path: string): "absent" | "present" {
  const walBytes = sizeOf(`${path}-wal`);
  if (!existsSync(path)) {
    if (walBytes === 0) return "absent";
    throw damaged(path, `the file is missing while its write-ahead log of ${walBytes} bytes is there`);
  }
  const header = readHeader(path);
  const fileBytes = sizeOf(path);
  if (header.length < 100) throw damaged(path, `it has only ${fileBytes} bytes`);
  if (header.toString("latin1", 0, 16) !== magic) throw damaged(path, "it does not begin as a SQLite file does");
  if (walBytes === 0 && fileBytes < recordedBytes(header)) {
    throw damaged(path, `it was cut to ${fileBytes} of ${recordedBytes(header)} bytes`);
  }
  return "present";
}

/** The error for a damaged file. */
export function damaged(path: string, finding: string, cause?: unknown): EngineError {
  return new EngineError("corrupt", `Cannot use ${path}: ${finding}; ${remedyFor(path)}`, { cause });
}

// https://sqlite.org/fileformat2.html#the_database_header
function recordedBytes(header: Buffer): number {
  const pageBytes = header.readUInt16BE(16);
  return (pageBytes === 1 ? 65_536 : pageBytes) * header.readUInt32BE(28);
}

function readHeader(path: string): Buffer {
  const file = openSync(path, "r");
  try {
    const header = Buffer.alloc(100);
    return header.subarray(0, readSync(file, header, 0, 100, 0));
  } finally {
    closeSync(file);
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
