import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { type AppSpec, ConstellationError, shellWord } from "@constellation/contract";
import type { IsolationPlan } from "./isolation-verdict.ts";
import type { Trials } from "./trials.ts";

/** What a spec shows to its instances. */
type Shown = Pick<AppSpec, "name" | "folder" | "mounts">;

/** True when others may read everything that is shown, by permission bits alone: then there is nothing to check. */
export function isOpen({ folder, mounts }: Pick<Shown, "folder" | "mounts">): boolean {
  const paths = [...(folder === null ? [] : [folder]), ...mounts.map(({ source }) => source)];
  return paths.every((path) => !existsSync(path) || othersMayRead(path, true));
}

/**
 * Checks that the instances of an app, which are users of their own, may read what they are shown. Permission bits
 * answer at once; where they say no, access lists may still say yes, and such a user is asked.
 *
 * @throws ConstellationError `spec.invalid` naming the path, its mode and owner, the user and the remedy
 */
export async function checkReadable(
  { name, folder, mounts }: Shown,
  { user, isolation, wrapper }: Pick<IsolationPlan, "user" | "isolation" | "wrapper">,
  ownUid: number,
  trials: Pick<Trials, "reads">,
  action: "apply" | "start" = "apply",
): Promise<void> {
  const uid = user.kind === "own" ? user.uid : user.kind === "namespace" ? user.outsideUid : ownUid;
  if (uid === ownUid) return;
  const ownRoot = isolation.root && wrapper === null;
  const shown = [
    ...(folder === null ? [] : [{ setting: "folder", path: folder }]),
    ...mounts.map(({ source }) => ({ setting: "mount", path: source })),
  ];
  for (const { setting, path } of shown) {
    if (othersMayRead(path, ownRoot) || (await trials.reads(path, { user, ownRoot }))) continue;
    throw unreadable(`Cannot ${action} ${name}`, { setting, path }, uid);
  }
}

/** In a file tree of its own an instance finds the path mounted; elsewhere it must pass through every folder above. */
function othersMayRead(path: string, ownRoot: boolean): boolean {
  const { mode, isFolder } = look(path);
  const wanted = isFolder ? 0o5 : 0o4;
  return (mode & wanted) === wanted && (ownRoot || path === "/" || othersMayPass(dirname(path)));
}

const othersMayPass = (folder: string): boolean =>
  (look(folder).mode & 0o1) !== 0 && (folder === "/" || othersMayPass(dirname(folder)));

function look(path: string): { readonly mode: number; readonly isFolder: boolean; readonly owner: number } {
  const info = statSync(path);
  return { mode: info.mode & 0o777, isFolder: info.isDirectory(), owner: info.uid };
}

function unreadable(
  cannot: string,
  { setting, path }: { readonly setting: string; readonly path: string },
  uid: number,
): ConstellationError {
  const { mode, isFolder, owner } = look(path);
  const shown = mode.toString(8).padStart(4, "0");
  const permit = isFolder
    ? `chmod o+rx ${shellWord(path)}\`, or \`chmod -R o+rX ${shellWord(path)}\` with everything in it`
    : `chmod o+r ${shellWord(path)}\``;
  return new ConstellationError(
    "spec.invalid",
    `${cannot}: its instances may not read the ${setting} ${path}: it has mode ${shown} and belongs to uid ${owner}, they run as users of their own (uid ${uid} and above)`,
    {
      remedy: `Let others read it: \`${permit}. Or set another ${setting}.`,
      details: { setting, path, mode: shown, owner, uid },
    },
  );
}
