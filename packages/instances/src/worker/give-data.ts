import { existsSync, lchownSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** More files than this are not worth their time: the instance keeps its user. */
const mostFiles = 256;

/**
 * Gives the files of an instance that does not run to another user. False, and nothing is changed, when they are too
 * many, belong to somebody else, or lie in a disk image.
 */
export function giveData(folder: string, fromUid: number, toUid: number): boolean {
  if (existsSync(`${folder}.img`)) return false;
  if (!existsSync(folder)) return true;
  const found: string[] = [];
  if (!collect(folder, fromUid, found)) return false;
  // The folder itself last: it says whose the rest is.
  for (const path of found.toReversed()) lchownSync(path, toUid, toUid);
  return true;
}

/** Links are not followed: only what lies in the folder itself is the instance's. */
function collect(path: string, uid: number, found: string[]): boolean {
  const stat = lstatSync(path);
  if (stat.uid !== uid || found.length >= mostFiles) return false;
  // Another name of it may lie where the instance has none.
  if (!stat.isDirectory() && stat.nlink > 1) return false;
  found.push(path);
  return !stat.isDirectory() || readdirSync(path).every((name) => collect(join(path, name), uid, found));
}
