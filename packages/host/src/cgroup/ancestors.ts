import { dirname } from "node:path";
import type { Hierarchy } from "./layout.ts";

/** The group that a hierarchy has us in and every group above it, up to the mount. */
export function groupAndAncestors(hierarchy: Hierarchy): string[] {
  const directories: string[] = [];
  for (let each = hierarchy.ownDirectory; each.startsWith(hierarchy.mountPoint); each = dirname(each)) {
    directories.push(each);
    if (each === hierarchy.mountPoint) break;
  }
  return directories;
}
