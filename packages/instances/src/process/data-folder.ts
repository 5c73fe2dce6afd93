import { chmodSync, chownSync, existsSync, lstatSync, statSync } from "node:fs";
import { join } from "node:path";
import { formatBytes } from "@constellation/contract";
import { instanceName, type StartRequest } from "../driver/start-request.ts";
import {
  createDiskImage,
  type DataFolder,
  type HostFacts,
  probeDiskQuota,
  SMALLEST_IMAGE_BYTES,
} from "../launch/index.ts";
import { type DriverFolders, dataRoot, inside } from "./folders.ts";
import type { FoldersAhead } from "./folders-ahead.ts";
import { giveTree } from "./give-tree.ts";
import { howToKeepRoot } from "./own-root.ts";
import { finishGrowing, growDiskImage } from "./grow-disk-image.ts";
import { isEmpty } from "./is-empty.ts";
import { liftLimit, limitProject, limitsAs } from "./project-limit.ts";
import type { Verdict } from "./verdict.ts";

/** The writable folder of an instance: how the launcher mounts it, and where this machine sees it. */
export interface Data {
  /** `null`: it lies in an image that only the instance has mounted. */
  readonly folder: string | null;
  readonly request: DataFolder;
}

/** Where data folders lie, and where new ones come from. */
export interface DataPlace {
  readonly folders: DriverFolders;
  readonly ahead: FoldersAhead;
}

/** For whom a data folder is made. */
export interface DataOwner {
  /** User of this machine; null: ours. */
  readonly uid: number | null;
  /** The instance has a file tree of its own, in which an image can be mounted. */
  readonly ownRoot: boolean;
  /** As the spec has it: why there may be none. */
  readonly isolation: StartRequest["isolation"];
  /** It lives in a user namespace: elsewhere the owner of a file may take it out of its project. */
  readonly inUserNamespace: boolean;
  readonly host: HostFacts;
}

/**
 * Makes or finds the data folder of an instance; it stays over restarts, and belongs to the instance's user. With a
 * size it is counted by the filesystem where that can, else it is a disk image; no program inside can exceed either.
 *
 * @throws ConstellationError `limit.unenforceable`
 */
export async function dataFor(
  request: StartRequest,
  { folders, ahead }: DataPlace,
  owner: DataOwner,
  verdict: Verdict,
): Promise<Data> {
  const folder = `${dataRoot(folders)}/${instanceName(request)}`;
  const image = `${folder}.img`;
  const { diskBytes } = request.resources;
  if (diskBytes !== null && limitsAs(folder, owner) === "project") {
    await makeFolder(folder, owner, ahead);
    if (await limitProject(folder, diskBytes)) {
      verdict.on("limit.disk", `${formatBytes(diskBytes)}, by project quota`);
      return { folder, request: { kind: "folder", source: folder, target: inside.data } };
    }
    verdict.missingLimit("limit.disk", formatBytes(diskBytes), holdsFiles(folder), "Move them away");
  } else if (diskBytes !== null || existsSync(image)) {
    const bytes = diskBytes ?? statSync(image).size;
    const missing = await whyNoImage(image, folder, bytes, owner);
    if (missing === null) {
      verdict.on("limit.disk", formatBytes(bytes));
      return { folder: null, request: { kind: "image", image, target: inside.data } };
    }
    verdict.missingLimit("limit.disk", formatBytes(bytes), missing.what, missing.remedy);
  }
  await makeFolder(folder, owner, ahead);
  await liftLimit(folder);
  return { folder, request: { kind: "folder", source: folder, target: inside.data } };
}

async function makeFolder(folder: string, { uid }: DataOwner, ahead: FoldersAhead): Promise<void> {
  const present = lstatSync(folder, { throwIfNoEntry: false });
  if (present === undefined) return ahead.place("data", folder, uid);
  if (uid !== null) await own(folder, present.uid, uid);
  chmodSync(folder, 0o700);
}

/**
 * What the folder holds goes with it when it comes from another user: the daemon ran as somebody else before, or died over
 * giving the instance another number. The folder is the last to be given.
 */
async function own(folder: string, before: number, uid: number): Promise<void> {
  if (before === uid) return;
  if (!isEmpty(folder)) await giveTree(folder, before, uid);
  chownSync(folder, uid, uid);
}

const holdsFiles = (folder: string): string => `${folder} holds files already and has no size`;

/** Why an instance cannot have a disk of its own, and what to do about it. */
export interface NoDisk {
  readonly what: string;
  readonly remedy: string;
}

/** What prevents a data folder of this size, by looking only; null when nothing does. */
export function whyNoDisk(
  folder: string,
  bytes: number,
  { ownRoot, isolation, host }: Pick<DataOwner, "ownRoot" | "isolation" | "host">,
): NoDisk | null {
  const image = `${folder}.img`;
  const { kinds, missing } = probeDiskQuota(join(folder, ".."), host);
  if (!kinds.includes("image"))
    return { what: missing.join(", and "), remedy: host.privileged ? "Provide that" : "Run the daemon as root" };
  if (!ownRoot) return { what: "a disk of its own needs a file tree of its own", remedy: howToKeepRoot(isolation) };
  if (bytes < SMALLEST_IMAGE_BYTES)
    return { what: `a disk cannot be smaller than ${formatBytes(SMALLEST_IMAGE_BYTES)}`, remedy: "Ask for more" };
  if (!existsSync(image)) {
    const isUsed = existsSync(folder) && !isEmpty(folder);
    return isUsed ? { what: holdsFiles(folder), remedy: "Move them away" } : null;
  }
  const present = statSync(image).size;
  if (present <= bytes) return null;
  return { what: `its disk has ${formatBytes(present)} already and cannot shrink`, remedy: "Ask for at least that" };
}

/** Makes the image or lets it grow; what prevents that. */
async function whyNoImage(image: string, folder: string, bytes: number, owner: DataOwner): Promise<NoDisk | null> {
  const missing = whyNoDisk(folder, bytes, owner);
  if (missing !== null) return missing;
  if (!existsSync(image)) {
    const uid = owner.uid ?? owner.host.uid;
    await createDiskImage({ path: image, bytes, uid, gid: uid });
  } else {
    await finishGrowing(image);
    if (statSync(image).size < bytes) await growDiskImage(image, bytes);
  }
  return null;
}
