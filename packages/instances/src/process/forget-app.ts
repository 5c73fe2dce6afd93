import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { deleteTree } from "./delete-tree.ts";
import { type DriverFolders, dataRoot } from "./folders.ts";
import type { InstanceNumbers } from "./instance-numbers.ts";

/** Where data lies that only has to be deleted. */
const removedFolder = (folders: DriverFolders): string => join(folders.state, "removed");

/**
 * Forgets all instances that an app ever had: their data folders and disks, and then their numbers, which own those files.
 * The data is out of the way at once; deleting it may take as long as it takes.
 */
export function forgetApp(app: string, folders: DriverFolders, numbers: InstanceNumbers): void {
  const names = readdirSync(dataRoot(folders)).filter((name) => instanceOf(name)?.app === app);
  const removed = removedFolder(folders);
  if (names.length > 0) mkdirSync(removed, { recursive: true, mode: 0o700 });
  for (const name of names)
    renameSync(join(dataRoot(folders), name), join(removed, `${name}-${process.hrtime.bigint().toString(36)}`));
  for (const name of names) numbers.forget(instanceOf(name)?.name ?? name);
  if (names.length > 0) void deleteRemoved(folders);
}

/** Deletes what was put out of the way, by this daemon or one that died over it. What cannot be deleted now is tried again by the next. */
export async function deleteRemoved(folders: DriverFolders): Promise<void> {
  await deleteTree(removedFolder(folders)).catch(() => undefined);
}

/** `web.2`, `web.2.img`, what is left of making that or letting it grow, and `web.2.project` belong to instance 2 of web. */
function instanceOf(file: string): { readonly app: string; readonly name: string } | null {
  const [, name, app] = /^((.+)\.\d+)(?:\.img(?:\.new|\.growing)?|\.project)?$/.exec(file) ?? [];
  return name === undefined || app === undefined ? null : { app, name };
}
