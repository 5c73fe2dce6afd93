import { openCgroupBase, removeCgroupBase } from "../src/index.ts";

/** Whether control groups can be made here; tried, and nothing of it is left. */
export function canMakeCgroups(): boolean {
  if (process.platform !== "linux") return false;
  const outcome = openCgroupBase({ name: `host-trial-${process.pid}` });
  return outcome.kind === "ready" && removeCgroupBase(outcome.base);
}
