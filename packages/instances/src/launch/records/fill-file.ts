import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeFileSync } from "node:fs";

const { O_WRONLY, O_CREAT } = constants;

/**
 * Writes a whole file, for our own eyes. One that lies there empty is filled as it is: on a disk that takes a tenth of
 * the time of making one, and a third of that of cutting one.
 */
export function fillFile(path: string, content: string | Uint8Array): void {
  const file = openSync(path, O_WRONLY | O_CREAT, 0o600);
  try {
    if (fstatSync(file).size > 0) ftruncateSync(file);
    writeFileSync(file, content);
  } finally {
    closeSync(file);
  }
}
