import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { errnoOf } from "../../failure.ts";
import { readKernelFileIfPresent } from "../../proc/read-file.ts";
import { parseProcessStat } from "../../proc/stat.ts";
import type { Hierarchy } from "../layout.ts";

/** The leaf that holds the daemon itself, since a v2 group with children must hold no process ("no internal processes"). */
const leafName = "supervisor";
const ownScopeRemedy =
  "start the daemon in a delegated group of its own: `constellation daemon install`, or `constellation daemon stop; systemd-run --user --scope -p Delegate=yes constellation daemon start`";
const wantedControllers = ["cpu", "memory", "pids", "io"] as const;

/** Where a base may be made; `enable` turns the controllers on down to it and answers which ones are. */
export type UnifiedParent =
  | { readonly kind: "ready"; readonly parent: string; enable(base: string): readonly string[] }
  | { readonly kind: "unavailable"; readonly missing: string; readonly remedy: string };

/** Chooses and prepares the v2 group below which our base goes; see `BaseOptions.placement`. */
export function prepareUnifiedParent(unified: Hierarchy, placement: "own" | "top" | "auto"): UnifiedParent {
  const top = unified.mountPoint;
  if (placement === "top" || (placement === "auto" && isWritable(top))) return prepareTop(top);
  const own = basename(unified.ownDirectory) === leafName ? dirname(unified.ownDirectory) : unified.ownDirectory;
  if (!isWritable(own)) return notDelegated(own);
  if (own === unified.ownDirectory && !isHierarchyRoot(own)) {
    const refused = moveOwnProcesses(own, top);
    if (refused !== undefined) return refused;
  }
  return ready(own);
}

function prepareTop(top: string): UnifiedParent {
  if (!isWritable(top)) return notDelegated(top);
  // A namespaced top (a container) is no true root: what runs in it must move to a leaf first.
  if (!isHierarchyRoot(top)) {
    const refused = moveOwnProcesses(top, top);
    if (refused !== undefined) return refused;
  }
  return ready(top);
}

function ready(parent: string): UnifiedParent {
  return {
    kind: "ready",
    parent,
    enable: (base) => {
      enableControllers(parent);
      enableControllers(base);
      return words(`${base}/cgroup.subtree_control`);
    },
  };
}

/** Enables one at a time: a single refused controller must not cost the others. */
export function enableControllers(directory: string): void {
  const offered = words(`${directory}/cgroup.controllers`);
  const enabled = words(`${directory}/cgroup.subtree_control`);
  for (const controller of wantedControllers) {
    if (!offered.includes(controller) || enabled.includes(controller)) continue;
    try {
      writeFileSync(`${directory}/cgroup.subtree_control`, `+${controller}`, { flag: "r+" });
    } catch {
      // What is not enabled shows as missing in `controllers` and in each limit's verdict.
    }
  }
}

/** Moves every process of the group into its leaf, when it is ours to empty; answers why not otherwise. */
function moveOwnProcesses(directory: string, top: string): Extract<UnifiedParent, { kind: "unavailable" }> | undefined {
  if (words(`${directory}/cgroup.subtree_control`).length > 0) return undefined;
  const pids = words(`${directory}/cgroup.procs`).filter((pid) => pid !== "0");
  if (pids.length === 0) return undefined;
  const foreign = directory === top ? [] : pids.filter((pid) => !isKin(Number(pid)));
  if (foreign.length > 0)
    return {
      kind: "unavailable",
      missing: `${directory} also holds processes that are not ours (${foreign.slice(0, 5).join(", ")})`,
      remedy: ownScopeRemedy,
    };
  const leaf = `${directory}/${leafName}`;
  try {
    mkdirSync(leaf, { recursive: true });
    for (const pid of pids) {
      try {
        writeFileSync(`${leaf}/cgroup.procs`, pid, { flag: "r+" });
      } catch (error) {
        if (errnoOf(error) !== "ESRCH") throw error;
      }
    }
    return undefined;
  } catch (error) {
    return {
      kind: "unavailable",
      missing: `${directory} holds processes that cannot be moved to ${leaf} (${errnoOf(error) ?? String(error)})`,
      remedy: ownScopeRemedy,
    };
  }
}

/** This process, what it descends from (npx, a shell) and what descends from it. */
function isKin(pid: number): boolean {
  return ancestry(process.pid).includes(pid) || ancestry(pid).includes(process.pid);
}

function ancestry(pid: number): number[] {
  const line: number[] = [];
  for (let each = pid; each > 0 && !line.includes(each);) {
    line.push(each);
    const stat = readKernelFileIfPresent(`/proc/${each}/stat`);
    if (stat === undefined || stat === "") break;
    each = parseProcessStat(stat).parentPid;
  }
  return line;
}

function notDelegated(directory: string): Extract<UnifiedParent, { kind: "unavailable" }> {
  return {
    kind: "unavailable",
    missing: `the control group ${directory} is not delegated to this user`,
    remedy:
      "run as root, or let systemd start it: `constellation daemon install`, or `constellation daemon stop; systemd-run --user --scope -p Delegate=yes constellation daemon start`",
  };
}

/** Only the true root of the hierarchy has no `cgroup.type`. */
function isHierarchyRoot(directory: string): boolean {
  return !existsSync(`${directory}/cgroup.type`);
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    accessSync(`${directory}/cgroup.procs`, constants.W_OK);
    accessSync(`${directory}/cgroup.subtree_control`, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function words(path: string): string[] {
  return (readKernelFileIfPresent(path) ?? "").split(/\s+/).filter(Boolean);
}
