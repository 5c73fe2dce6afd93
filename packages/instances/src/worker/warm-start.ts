import { join } from "node:path";
import { instanceName, type StartRequest } from "../driver/start-request.ts";
import type { CallOptions, RunHandle } from "../driver/driver.ts";
import type { LaunchRequest } from "../launch/index.ts";
import { resources } from "../launch/plan/linux.ts";
import { abandon } from "../process/abandon.ts";
import { dataRoot, runFolder } from "../process/folders.ts";
import { prepare, startTimeoutMs } from "../process/prepare.ts";
import type { ProcessParts } from "../process/process-driver.ts";
import { writeRunRecord } from "../process/run-record.ts";
import { dataToGive, giveData } from "./give-data.ts";
import { uidOf } from "./own-launch.ts";
import type { Spare } from "./spare.ts";

/**
 * Whether an instance can have the user and the addresses of a spare: it has none yet, or what it keeps can be given
 * along. Its number is the spare's then.
 */
export function takesNumber(request: StartRequest, spare: Spare, { numbers, folders }: ProcessParts): boolean {
  const name = instanceName(request);
  const before = numbers.of(name);
  const uid = uidOf(spare.standby.request);
  if (uid === null) return false;
  if (before !== undefined && before !== spare.number) {
    // Files elsewhere may have been given to its user by hand.
    if (request.mounts.some(({ readOnly }) => !readOnly)) return false;
    const data = dataToGive(join(dataRoot(folders), name), uid - spare.number + before);
    if (data === null) return false;
    // The number first: who dies in between leaves a folder of another user, whose files the next start gives (data-folder.ts).
    numbers.give(name, spare.number);
    giveData(data, uid);
  } else numbers.give(name, spare.number);
  return true;
}

/**
 * Makes a spare the run of a request. After a rejection nothing of either is left.
 *
 * @param compiled the compiled form of its program, when there is one
 * @throws LaunchError, ConstellationError as `prepare`
 */
export async function startWarm(
  request: StartRequest,
  { standby, number, group, shape }: Spare,
  parts: ProcessParts,
  { compiled, signal }: CallOptions & { readonly compiled: string | null },
): Promise<RunHandle> {
  const cgroup = group?.cgroup ?? null;
  const folder = runFolder(parts.folders, request.runId);
  try {
    standby.moveTo(folder);
    const prepared = await prepare(request, number, parts, { group });
    const { wrapper, inside, facts, logFrom } = prepared;
    const launch = compiled === null ? prepared.launch : withFile(prepared.launch, compiled);
    const different = differenceOf(launch, standby.request);
    if (different !== null)
      throw new Error(`${instanceName(request)} needs another ${different} than the Node that waits`);
    const record = {
      request,
      launch,
      wrapper,
      inside,
      logFrom,
      facts: { ...facts, start: "warm" as const },
      cgroup: cgroup?.location ?? null,
    };
    writeRunRecord(folder, record);
    signal.throwIfAborted();
    const pids = await standby.begin(launch, paperOf(launch, shape.flags), { signal });
    return parts.handle(folder, { version: 1, ...record }, pids, { cgroup });
  } catch (error) {
    await abandon(folder, cgroup, startTimeoutMs);
    throw error;
  }
}

/** Behind the sockets. */
function withFile(launch: LaunchRequest, path: string): LaunchRequest {
  return { ...launch, files: [{ path, fd: Math.max(2, ...launch.sockets.map(({ fd }) => fd)) + 1 }] };
}

/** What is decided before a program is executed; null when both have it alike. */
function differenceOf(launch: LaunchRequest, waiting: LaunchRequest): string | null {
  const decided = ["isolation", "user", "network", "tmpBytes", "sharedMemoryBytes"] as const;
  return decided.find((part) => JSON.stringify(launch[part]) !== JSON.stringify(waiting[part])) ?? null;
}

/** What the program reads first (preload/become.cjs). */
function paperOf({ argv, env, cwd, sockets, files = [], rlimits }: LaunchRequest, flags: readonly string[]) {
  return {
    words: argv,
    flags,
    env,
    cwd,
    sockets: sockets.map(({ fd }) => fd),
    limits: rlimits.openFiles === undefined ? [] : [[resources.openFiles, rlimits.openFiles]],
    compiled: files.length > 0,
  };
}
