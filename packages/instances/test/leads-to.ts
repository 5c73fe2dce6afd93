import { readlinkSync } from "node:fs";

/** Whether this descriptor of ours is of that file. */
export function leadsTo(fd: string, path: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === path;
  } catch {
    return false; // the one that listed them
  }
}
