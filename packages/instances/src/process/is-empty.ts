import { opendirSync } from "node:fs";

/** Whether nothing lies in a folder. Looks for a first name only: an instance can make millions. */
export function isEmpty(folder: string): boolean {
  const names = opendirSync(folder, { bufferSize: 1 });
  try {
    return names.readSync() === null;
  } finally {
    names.closeSync();
  }
}
