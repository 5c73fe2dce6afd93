import { HostError } from "../failure.ts";

/** Freezing or killing the group that we are in would end or hang ourselves. @throws HostError cgroup-failed */
export function refuseOwnGroup(action: "freeze" | "kill", name: string, pids: readonly number[]): void {
  if (!pids.includes(process.pid)) return;
  throw new HostError(
    "cgroup-failed",
    `Cannot ${action} cgroup ${name}: this process (pid ${process.pid}) is in it; put the work into a group of its own`,
  );
}
