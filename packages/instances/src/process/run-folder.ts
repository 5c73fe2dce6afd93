import { mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { listPids } from "@constellation/host";
import { isSupervised, type PidFile, readExitRecord, readPidFile } from "../launch/index.ts";
import { deleteTree } from "./delete-tree.ts";
import { isRunId } from "../driver/run-id.ts";

/** What the folder of a run tells about it. */
export type RunTrace =
  /** Nothing was executed, and nothing ever will be: the folder is ours now. */
  | { readonly kind: "never-started" }
  | { readonly kind: "running"; readonly pids: PidFile }
  /** It was made ahead and has not been told what to run. */
  | { readonly kind: "waiting" }
  /** It ended, or its supervisor was killed. */
  | { readonly kind: "over" };

/** How long a supervisor is given from its lock to its FIFOs before it is looked for among the processes. */
const birthMs = 50;

/**
 * Finds out whether a launch that may still be under way has become a run. The supervisor begins by opening the file
 * `lock`; where it has not yet, we put a folder of that name in its way, and it can never begin. Who comes first wins,
 * and both sides see who that was.
 *
 * @param whenWaiting what to do about one that was made ahead: it may be told what to run this very moment, and ends by
 *   itself when whoever made it has died. @default "wait"
 * @param startTimeoutMs time in which a supervisor that lives must have said what became of its start
 */
export async function traceRun(
  folder: string,
  startTimeoutMs: number,
  { signal, whenWaiting = "wait" }: { readonly signal?: AbortSignal; readonly whenWaiting?: "wait" | "tell" } = {},
): Promise<RunTrace> {
  if (claim(folder)) return { kind: "never-started" };
  const begun = performance.now();
  for (;;) {
    if (readExitRecord(folder) !== null) return { kind: "over" };
    const supervised = isSupervised(folder);
    const pids = readPidFile(folder);
    if (supervised && pids !== null && pids.startedAtMs !== null) return { kind: "running", pids };
    if (supervised && pids !== null && whenWaiting === "tell") return { kind: "waiting" };
    const passedMs = performance.now() - begun;
    // Asked again after the look at its FIFO: it may have ended in between, in order.
    if (!supervised && (pids?.startedAtMs != null || (passedMs > birthMs && !hasSupervisor(folder))))
      return { kind: "over" };
    if (passedMs > startTimeoutMs + birthMs) return { kind: "over" };
    await sleep(2, undefined, signal === undefined ? {} : { signal });
  }
}

/** True when some supervisor has this folder open; it opens it before it takes the lock. Walks /proc: for doubtful cases. */
function hasSupervisor(folder: string): boolean {
  return listPids().some((pid) => {
    try {
      if (readFileSync(`/proc/${pid}/comm`, "latin1") !== "supervisor\n") return false;
      const fds = `/proc/${pid}/fd`;
      return readdirSync(fds).some((fd) => readlinkSync(`${fds}/${fd}`).startsWith(folder));
    } catch {
      return false; // it ended while we looked, or it is not ours
    }
  });
}

/** True when no supervisor has begun in this folder; from then on none can. */
function claim(folder: string): boolean {
  try {
    mkdirSync(join(folder, "lock"));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return true;
    if (code === "EEXIST") return isClaimed(folder);
    throw error;
  }
}

/** A claim that an earlier daemon made. */
function isClaimed(folder: string): boolean {
  try {
    readdirSync(join(folder, "lock"));
    return true;
  } catch {
    return false;
  }
}

/** Removes a run's folder. */
export async function removeRunFolder(folder: string): Promise<void> {
  await deleteTree(folder);
}

/** Ids of all runs that have a folder. */
export function runIdsIn(runs: string): string[] {
  try {
    return readdirSync(runs).filter(isRunId);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
