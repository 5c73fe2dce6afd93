import { statfsSync } from "node:fs";
import type { PidFile } from "../records/pid-file.ts";
import type { DataFolder } from "./data-folder.ts";

/** How full a data folder with a size of its own is. */
export interface DataUsage {
  readonly usedBytes: number;
  readonly totalBytes: number;
}

/**
 * Looks through the eyes of the main process, since an image is mounted nowhere else. Null when the folder has no size
 * of its own or the instance is gone.
 */
export function readDataUsage(pids: PidFile, data: DataFolder): DataUsage | null {
  if (data.kind === "folder" || pids.main === null) return null;
  try {
    const { bsize, blocks, bfree } = statfsSync(`/proc/${pids.main.pid}/root${data.target}`);
    return { usedBytes: (blocks - bfree) * bsize, totalBytes: blocks * bsize };
  } catch {
    return null; // ended meanwhile
  }
}
