import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Cgroup } from "@constellation/host";
import { newRunId } from "../../driver/run-id.ts";
import {
  type HostFacts,
  type LaunchRequest,
  type PidFile,
  type SlotRequest,
  type Spawner,
  WarmSlot,
} from "../../launch/index.ts";
import { abandon } from "../abandon.ts";
import type { Abilities } from "../abilities.ts";
import { writeAheadRecord } from "../ahead-record.ts";
import { makeFilledLater } from "../filled-later.ts";
import { type DriverFolders, sparesFolder } from "../folders.ts";
import { type GroupAhead, makingGroup, readyGroup } from "../group-ahead.ts";
import { makeRunFolder, startTimeoutMs } from "../prepare.ts";
import type { SlotShape } from "./slot-shape.ts";

/** What slots are made with. */
export interface SlotParts {
  readonly folders: DriverFolders;
  readonly abilities: Pick<Abilities, "cgroups"> & { readonly facts: HostFacts };
  readonly spawner: () => Promise<Spawner>;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
}

/** Namespaces, a root and a control group that wait for an instance. */
export interface Slot {
  readonly shape: SlotShape;
  readonly warm: WarmSlot;
  readonly group: GroupAhead | null;
}

/**
 * Makes a slot; resolves when it waits.
 *
 * @throws LaunchError, HostError; nothing is left then
 */
export async function makeSlot(shape: SlotShape, parts: SlotParts, signal: AbortSignal): Promise<Slot> {
  const { folders, abilities, nowMs, spawner } = parts;
  const id = newRunId(nowMs(), Math.random());
  const folder = join(sparesFolder(folders), id);
  let cgroup: Cgroup | null = null;
  try {
    mkdirSync(sparesFolder(folders), { recursive: true, mode: 0o711 });
    makeRunFolder(folder);
    cgroup = makingGroup(`slot-${id}`, abilities);
    makeFilledLater(folder);
    const request = requestFor(shape, folder, cgroup);
    writeAheadRecord(folder, { slot: request });
    const warm = await WarmSlot.prepare(request, await spawner(), abilities.facts, { signal });
    return { shape, group: readyGroup(cgroup), warm };
  } catch (error) {
    await abandon(folder, cgroup, startTimeoutMs);
    throw error;
  }
}

/**
 * Lets a slot become the run that it was moved to.
 *
 * @throws LaunchError as a launch
 */
export function assignSlot({ warm }: Slot, launch: LaunchRequest, signal: AbortSignal): Promise<PidFile | "gone"> {
  const { user, log, ...rest } = launch;
  if (user.kind === "same")
    throw new Error(`${launch.identity.name} was given a slot although it has no user of its own`);
  return warm.assign({ ...rest, user, ...(log === null ? {} : { log }) }, { signal });
}

/** Ends a slot that is not needed; resolves when nothing of it is left. */
export async function discardSlot({ warm, group }: Slot): Promise<void> {
  warm.discard();
  await abandon(warm.request.instanceDir, group?.cgroup ?? null, startTimeoutMs);
}

function requestFor(
  { isolation, tmpBytes, sharedMemoryBytes, network }: SlotShape,
  folder: string,
  cgroup: Cgroup | null,
): SlotRequest {
  return {
    name: "a slot",
    instanceDir: folder,
    // Nothing writes to it: the instance brings its own.
    log: { path: join(folder, "slot.log"), maxBytes: 65_536, rotatedFiles: 0, maxLineBytes: 4096 },
    isolation,
    memoryFolders: [],
    tmpBytes,
    sharedMemoryBytes,
    cgroups: cgroup?.joinTargets ?? [],
    network,
    startTimeoutMs,
  };
}
