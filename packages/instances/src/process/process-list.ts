import type { InstanceDetails } from "@constellation/contract";
import {
  type Cgroup,
  kernelUnits,
  type ListedProcess,
  lookAtProcess,
  type ProcessTree,
  processTree,
} from "@constellation/host";
import type { PidFile } from "../launch/index.ts";

type ProcessInfo = InstanceDetails["processes"][number];

/** The processes of a run, its init left out: by control group, or below its supervisor. */
export function processesOf(cgroup: Cgroup | null, pids: PidFile): ProcessInfo[] {
  const ours = new Set([pids.supervisor.pid, pids.init?.pid ?? 0]);
  const found: ListedProcess[] =
    cgroup === null
      ? flatten(processTree(pids.supervisor.pid))
      : cgroup.processes().flatMap((pid) => lookAtProcess(pid) ?? []);
  return found.filter(({ stat }) => !ours.has(stat.pid)).map(infoOf);
}

function flatten(tree: ProcessTree | undefined): ProcessTree[] {
  return tree === undefined ? [] : [tree, ...tree.children.flatMap(flatten)];
}

function infoOf({ stat, commandLine }: ListedProcess): ProcessInfo {
  return {
    pid: stat.pid,
    parent: stat.parentPid,
    command: commandLine.length > 0 ? commandLine.join(" ") : stat.command,
    state: stat.state,
    memoryBytes: stat.rssPages * kernelUnits().pageBytes,
  };
}
