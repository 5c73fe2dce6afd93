import { readdirSync } from "node:fs";
import { systemRoots, type HostRoots } from "../roots.ts";
import { readFailure } from "./kept-file.ts";
import { readKernelFileIfPresent, readKernelFileStart } from "./read-file.ts";
import { parseProcessStat, type ProcessStat } from "./stat.ts";

/** Pids of all processes that this process can see. */
export function listPids(roots: HostRoots = systemRoots): number[] {
  try {
    return readdirSync(roots.proc)
      .filter((name) => /^[1-9]\d*$/.test(name))
      .map(Number);
  } catch (error) {
    throw readFailure(roots.proc, error);
  }
}

/** One process. */
export interface ListedProcess {
  readonly stat: ProcessStat;
  /** Cut after 4 KiB. */
  readonly commandLine: readonly string[];
}

/** One process and what it has forked, as far as the forked ones did not detach to another parent. */
export interface ProcessTree extends ListedProcess {
  readonly children: readonly ProcessTree[];
}

/** The process that has this pid now, or undefined when there is none. */
export function lookAtProcess(pid: number, roots: HostRoots = systemRoots): ListedProcess | undefined {
  const text = readKernelFileIfPresent(`${roots.proc}/${pid}/stat`);
  if (text === undefined || text === "") return undefined;
  return { stat: parseProcessStat(text), commandLine: commandLineOf(pid, roots) };
}

/** Thousands of processes can have the same two megabytes of words. */
const longestCommandLine = 4096;

/** The words of a process, as far as they fit into 4 KiB; none for one of the kernel, or that has ended. */
export function commandLineOf(pid: number, roots: HostRoots = systemRoots): string[] {
  const bytes = readKernelFileStart(`${roots.proc}/${pid}/cmdline`, longestCommandLine).replace(/\0$/, "");
  return bytes === "" ? [] : Buffer.from(bytes, "latin1").toString("utf8").split("\0");
}

/** The tree below a pid now, or undefined when that process is gone. Detached descendants are found by cgroup or marker. */
export function processTree(pid: number, roots: HostRoots = systemRoots): ProcessTree | undefined {
  return treeOf(pid, roots, new Set());
}

/** Direct children of a process, from the `children` table of each of its threads. */
export function childrenOf(pid: number, roots: HostRoots = systemRoots): number[] {
  let threads: string[];
  try {
    threads = readdirSync(`${roots.proc}/${pid}/task`);
  } catch {
    return [];
  }
  return threads.flatMap((thread) =>
    (readKernelFileIfPresent(`${roots.proc}/${pid}/task/${thread}/children`) ?? "")
      .split(" ")
      .filter((word) => /^\d+$/.test(word))
      .map(Number),
  );
}

function treeOf(pid: number, roots: HostRoots, seen: Set<number>): ProcessTree | undefined {
  if (seen.has(pid)) return undefined;
  seen.add(pid);
  const process = lookAtProcess(pid, roots);
  if (process === undefined) return undefined;
  return { ...process, children: childrenOf(pid, roots).flatMap((child) => treeOf(child, roots, seen) ?? []) };
}
