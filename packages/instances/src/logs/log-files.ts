import { type BigIntStats, statSync } from "node:fs";

/** A place in a log that outlasts rotation: a file, and how far into it. */
export interface LogPosition {
  readonly file: string;
  readonly offset: number;
}

/** A file of a log that is there now. */
export interface LogFile {
  readonly path: string;
  /** Inode and time of birth: an inode alone is given again as soon as its file is removed. */
  readonly file: string;
  readonly bytes: number;
}

/** So many numbers in a row that are not there are the end of the log. */
const mostAbsent = 2;

/** The end of what is written now; null when nothing is. */
export function logEnd(path: string): LogPosition | null {
  const file = fileAt(path);
  return file === null ? null : { file: file.file, offset: file.bytes };
}

/** The files of a log, the oldest first: `path.N` … `path.1`, then the live one. */
export function logFiles(path: string): LogFile[] {
  const files: LogFile[] = [];
  const live = fileAt(path);
  if (live !== null) files.push(live);
  // In the midst of a rotation, and after one that a kill has cut off, a number is not there.
  for (let number = 1, absent = 0; absent < mostAbsent; number += 1) {
    const file = fileAt(`${path}.${number}`);
    absent = file === null ? absent + 1 : 0;
    // A rotation between two looks shows one file twice.
    if (file !== null && !files.some((known) => known.file === file.file)) files.push(file);
  }
  return files.toReversed();
}

/** The identity of a file, whatever it is called. */
export function fileIdentity({ ino, birthtimeNs }: Pick<BigIntStats, "ino" | "birthtimeNs">): string {
  return `${ino}-${birthtimeNs}`;
}

function fileAt(path: string): LogFile | null {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? null : { path, file: fileIdentity(stat), bytes: Number(stat.size) };
}
