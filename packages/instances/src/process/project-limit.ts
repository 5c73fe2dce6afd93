import { existsSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type HostFacts, limitFolder, probeDiskQuota } from "../launch/index.ts";
import { isEmpty } from "./is-empty.ts";

/**
 * By what the size of a data folder is enforced: the filesystem's own counting where it has one and no image is there
 * yet. Only for an instance in a user namespace: elsewhere the owner of a file may take it out of its project.
 */
export function limitsAs(
  folder: string,
  { inUserNamespace, host }: { readonly inUserNamespace: boolean; readonly host: HostFacts },
): "project" | "image" {
  const { projectQuota } = probeDiskQuota(dirname(folder), host);
  return projectQuota && inUserNamespace && !existsSync(`${folder}.img`) ? "project" : "image";
}

/** A file beside the folder: it has a limit that must be lifted when the spec has none any more. */
const markOf = (folder: string): string => `${folder}.project`;

/** Limits a data folder, or changes its limit; false when it holds files that nobody counted. */
export async function limitProject(folder: string, bytes: number): Promise<boolean> {
  writeFileSync(markOf(folder), String(bytes));
  return (await limitFolder({ folder, bytes, isEmpty: isEmpty(folder) })) === "limited";
}

/** Lifts the limit of a data folder that has one. */
export async function liftLimit(folder: string): Promise<void> {
  if (!existsSync(markOf(folder))) return;
  await limitFolder({ folder, bytes: 0, isEmpty: false });
  rmSync(markOf(folder));
}
