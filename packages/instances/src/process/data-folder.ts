import { chmodSync, chownSync, lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { formatBytes } from "@constellation/contract";
import { instanceName, type StartRequest } from "../driver/start-request.ts";
import type { DataFolder } from "../launch/index.ts";
import { type DriverFolders, dataRoot, inside } from "./folders.ts";
import type { Verdict } from "./verdict.ts";

/** The writable folder of an instance, on this machine and as the launcher mounts it. */
export interface Data {
  readonly folder: string;
  readonly request: DataFolder;
}

/**
 * Makes or finds the data folder of an instance; it stays over restarts, and belongs to the instance's user.
 *
 * @throws ConstellationError `limit.unenforceable`
 */
export async function dataFor(
  request: StartRequest,
  folders: DriverFolders,
  owner: number | null,
  root: boolean,
  verdict: Verdict,
): Promise<Data> {
  const folder = join(dataRoot(folders), instanceName(request));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // What the folder holds may come from another user, when the daemon ran as somebody else before.
  if (owner !== null && lstatSync(folder).uid !== owner) chownSync(folder, owner, owner);
  chmodSync(folder, 0o700);
  const { diskBytes } = request.resources;
  if (diskBytes !== null) verdict.missingLimit("limit.disk", formatBytes(diskBytes), "not yet", "Use another");
  return await Promise.resolve({ folder, request: { kind: "folder", source: folder, target: inside.data } });
}
