import { opendirSync } from "node:fs";

/** How many names a folder has; undefined when there are more than `most`, of which no more are read. @throws Error of the system */
export function countNames(path: string, most: number): number | undefined {
  const folder = opendirSync(path, { bufferSize: Math.min(most + 1, 1024) });
  try {
    let count = 0;
    while (folder.readSync() !== null) if (++count > most) return undefined;
    return count;
  } finally {
    folder.closeSync();
  }
}
