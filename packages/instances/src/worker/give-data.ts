import { existsSync, lchownSync, lstatSync, opendirSync } from "node:fs";
import { join } from "node:path";

/** More files than this are not worth their time: the instance keeps its user. */
const mostFiles = 256;
/** Characters; an instance can make paths that are longer than the kernel takes whole (4096 bytes). */
const longestPath = 1000;

/**
 * What is to be given to another user with the data folder of an instance that does not run; null when that cannot be:
 * there is too much, some of it belongs to somebody else, or it lies in a disk image.
 */
export function dataToGive(folder: string, fromUid: number): readonly string[] | null {
  if (existsSync(`${folder}.img`)) return null;
  if (!existsSync(folder)) return [];
  const found: string[] = [];
  return collect(folder, fromUid, found) ? found : null;
}

/** Gives what was found. The folder itself comes last: until then it says that there is something left to be given. */
export function giveData(found: readonly string[], toUid: number): void {
  for (const path of found.toReversed()) lchownSync(path, toUid, toUid);
}

/** Links are not followed: only what lies in the folder itself is the instance's. */
function collect(path: string, uid: number, found: string[]): boolean {
  if (path.length > longestPath) return false;
  const stat = lstatSync(path);
  if (stat.uid !== uid || found.length >= mostFiles) return false;
  // Another name of it may lie where the instance has none.
  if (!stat.isDirectory() && stat.nlink > 1) return false;
  found.push(path);
  if (!stat.isDirectory()) return true;
  const names = firstNames(path);
  return names.length <= mostFiles && names.every((name) => collect(join(path, name), uid, found));
}

/** As many as are worth their time, and one more: an instance can make millions, which we must not read all. */
function firstNames(path: string): string[] {
  const folder = opendirSync(path, { bufferSize: mostFiles + 1 });
  const names: string[] = [];
  try {
    for (let entry = folder.readSync(); entry !== null && names.length <= mostFiles; entry = folder.readSync())
      names.push(entry.name);
  } finally {
    folder.closeSync();
  }
  return names;
}
