import { rmdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { openCgroup, type CgroupLocation } from "@constellation/host";
import { runGroupBase } from "../run/guest.ts";
import { tearDown, type TeardownReport } from "./teardown.ts";

/** Ends everything that a run whose guard has died left: processes, control group, containers; ports go with their owners. */
export async function reapRun(run: string, group: CgroupLocation | undefined): Promise<TeardownReport> {
  const cgroup = group === undefined ? undefined : openCgroup(group);
  const report = await tearDown({ run, cgroup, leaders: [] });
  if (group !== undefined) removeEmptyBase(group);
  return report;
}

/** The folder that guarded runs of one place share, if no other run is in it. */
function removeEmptyBase(group: CgroupLocation): void {
  const directories = group.version === 2 ? [group.directory] : Object.values(group.directories);
  for (const base of new Set(directories.map((directory) => dirname(directory)))) {
    if (basename(base) !== runGroupBase) continue;
    try {
      rmdirSync(base);
    } catch {
      // Another run is in it, or it has gone already.
    }
  }
}
