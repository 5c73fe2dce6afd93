import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { deleteTree } from "./delete-tree.ts";
import { type DriverFolders, dataRoot } from "./folders.ts";
import type { InstanceNumbers } from "./instance-numbers.ts";

/** Where data lies that only has to be deleted. */
const removedFolder = (folders: DriverFolders): string => join(folders.state, "removed");

/**
 * Forgets all instances that an app ever had: their data folders and disks, and then their numbers, which own those files.
 * The data is out of the way at once; deleting it may take as long as it takes.
 *
 * @returns whether anything was kept of it
 */
export function forgetApp(app: string, folders: DriverFolders, numbers: InstanceNumbers): boolean {
  const files = readdirSync(dataRoot(folders)).filter((file) => instanceOf(file)?.app === app);
  const removed = removedFolder(folders);
  if (files.length > 0) mkdirSync(removed, { recursive: true, mode: 0o700 });
  for (const file of files)
    renameSync(join(dataRoot(folders), file), join(removed, `${file}-${process.hrtime.bigint().toString(36)}`));
  const names = numbers.namesOf(app);
  for (const name of names) numbers.forget(name);
  if (files.length > 0) void deleteRemoved(folders);
  return files.length > 0 || names.length > 0;
}

/** Forgets those instances of an app that have written nothing to keep: else each name that was ever used holds a number. */
export function forgetUnwritten(app: string, folders: DriverFolders, numbers: InstanceNumbers): void {
  for (const name of numbers.namesOf(app)) {
    const data = join(dataRoot(folders), name);
    if ([".img", ".img.new", ".img.growing"].some((ending) => existsSync(`${data}${ending}`))) continue;
    try {
      if (existsSync(data)) rmdirSync(data);
      rmSync(`${data}.project`, { force: true });
      numbers.forget(name);
    } catch {
      // There is something in it, or the disk takes no change: the name keeps its number.
    }
  }
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
