import { writeSync } from "node:fs";

const standardError = 2;
let lostTexts = 0;

/**
 * Writes to the daemon's log, which is its standard error. What cannot be written, because the disk is full or the reader of a pipe
 * has left, is counted and told of when it can: a daemon without a log is better than none.
 */
export function log(text: string): void {
  const gap = lostTexts === 0 ? "" : `(${lostTexts} entries could not be written here)\n`;
  try {
    writeSync(standardError, `${gap}${text}\n`);
    lostTexts = 0;
  } catch {
    lostTexts += 1;
  }
}
