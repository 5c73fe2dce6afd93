/** Where the new root is put together before it becomes the root: a folder that exists everywhere and is never bound. */
export const STAGING = "/sys";

/** Where a path of the instance lies while the root is being put together. */
export function at(path: string): string {
  return path === "/" ? STAGING : STAGING + path;
}
