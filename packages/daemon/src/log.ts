import { copyFileSync, fstatSync, ftruncateSync, statSync, writeSync } from "node:fs";

const standardError = 2;
const defaultMaxBytes = 10 * 1024 * 1024;

let lostTexts = 0;
let bound: { readonly path: string; readonly maxBytes: number } | null = null;

/**
 * Writes to the daemon's log, which is its standard error. What cannot be written, because the disk is full or the reader of a pipe
 * has left, is counted and told of when it can: a daemon without a log is better than none.
 */
export function log(text: string): void {
  const gap = lostTexts === 0 ? "" : `(${lostTexts} entries could not be written here)\n`;
  try {
    writeSync(standardError, `${gap}${text}\n`);
    lostTexts = 0;
    if (bound !== null && fstatSync(standardError).size > bound.maxBytes) startAnew(bound.path);
  } catch {
    lostTexts += 1;
  }
}

/**
 * Keeps the log in bounds from now on: at `maxBytes` it becomes `<path>.1` and begins anew. Standard error that leads
 * elsewhere (systemd's journal, a pipe) is bounded by whoever reads it.
 */
export function boundLog(path: string, maxBytes: number = defaultMaxBytes): void {
  try {
    const [ours, file] = [fstatSync(standardError), statSync(path)];
    if (ours.isFile() && ours.dev === file.dev && ours.ino === file.ino) bound = { path, maxBytes };
  } catch {
    // There is no such file: it leads elsewhere.
  }
}

/** The file keeps its descriptor, which whoever started the daemon gave it for appending. */
function startAnew(path: string): void {
  try {
    copyFileSync(path, `${path}.1`);
  } finally {
    ftruncateSync(standardError);
  }
}
