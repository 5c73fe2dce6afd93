import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** How full a filesystem is. */
export interface DataUse {
  readonly usedBytes: number;
  readonly totalBytes: number;
}

/** Whether a folder is the top of a filesystem of its own, so that its use is that of the filesystem. */
export function isOwnFilesystem(path: string): boolean {
  const here = statSync(path, { throwIfNoEntry: false });
  const above = statSync(dirname(path), { throwIfNoEntry: false });
  return here !== undefined && above !== undefined && here.dev !== above.dev;
}

/** The use of the filesystem that a folder is on; undefined when it cannot be asked. */
export function useOf(path: string): DataUse | undefined {
  try {
    const { bsize, blocks, bfree } = statfsSync(path);
    return { usedBytes: (blocks - bfree) * bsize, totalBytes: blocks * bsize };
  } catch {
    return undefined;
  }
}
