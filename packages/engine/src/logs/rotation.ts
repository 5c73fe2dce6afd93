import { closeSync, fstatSync, openSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Name of the file being written; rotated ones are `log.1` (newest) to `log.N`. */
export const liveName = "log";

/** How many rotations a file is followed through between being seen and being opened. */
const longestFlight = 8;

/** A log file as it was seen; the inode tells it apart when rotation renames it. */
export interface LogFile {
  readonly path: string;
  readonly inode: number;
  /** Inodes are given out again within milliseconds. Null: not told, or not known from the time of the last change. */
  readonly bornMs: number | null;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/**
 * The folder's log files, oldest first. Looked at from the newest to the oldest, because rotation moves them that way:
 * a file may be seen twice (and counts once), never missed.
 */
export function logFiles(folder: string): LogFile[] {
  const newestFirst: LogFile[] = [];
  const seen = new Set<number>();
  const highest = highestNumber(folder);
  // A listing made during rotations may lack names: look on until several in a row are not there.
  for (let number = 0, absent = 0; number <= highest || absent < 3; number += 1) {
    const path = join(folder, number === 0 ? liveName : `${liveName}.${number}`);
    const stat = statSync(path, { throwIfNoEntry: false });
    absent = stat === undefined ? absent + 1 : 0;
    if (stat === undefined || !stat.isFile() || seen.has(stat.ino)) continue;
    seen.add(stat.ino);
    const { ino: inode, size: sizeBytes, mtimeMs: modifiedMs } = stat;
    // Where it is not told, Node gives the time of the last change in its place.
    const bornMs = stat.birthtimeMs < stat.ctimeMs ? stat.birthtimeMs : null;
    newestFirst.push({ path, inode, bornMs, sizeBytes, modifiedMs });
  }
  return newestFirst.toReversed();
}

/** Inode of the file being written; undefined when there is none. */
export function liveInode(folder: string): number | undefined {
  return statSync(join(folder, liveName), { throwIfNoEntry: false })?.ino;
}

/** Opens the file for reading, wherever rotation has moved it since it was seen; undefined when it is gone. */
export function openLogFile({ path, inode, bornMs, sizeBytes }: LogFile): number | undefined {
  const [, name = path, number = "0"] = /^(.*?)(?:\.(\d+))?$/s.exec(path) ?? [];
  // It moves upwards only, one name at a time, while we look for it there.
  for (let at = Number(number); at <= Number(number) + longestFlight; at += 1) {
    const file = openIfThere(at === 0 ? name : `${name}.${at}`);
    if (file === undefined) continue;
    const stat = fstatSync(file);
    // A log file only grows: a smaller one is another.
    const isSame = stat.ino === inode && (bornMs === null || stat.birthtimeMs === bornMs) && stat.size >= sizeBytes;
    if (isSame) return file;
    closeSync(file);
  }
  return undefined;
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function highestNumber(folder: string): number {
  let highest = 0;
  try {
    for (const name of readdirSync(folder)) {
      const number = /^log\.([1-9]\d{0,4})$/.exec(name)?.[1];
      if (number !== undefined) highest = Math.max(highest, Number(number));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return highest;
}
