import type { InstanceUser, Isolation } from "../../launch/index.ts";

/**
 * The words of unshare(1): namespaces and nothing else. What is left of the isolation is done behind it by our launcher,
 * which runs the rest of the plan there and stays as init.
 *
 * @param plan descriptor of that plan; the next one is the launcher itself, which need not be reachable by a path
 */
export function unshareWords(
  { pid, ipc, cgroup }: Isolation,
  { insideUid, insideGid }: Extract<InstanceUser, { kind: "namespace" }>,
  plan: number,
): string[] {
  return [
    "unshare",
    "--user",
    `--map-user=${insideUid}`,
    `--map-group=${insideGid}`,
    ...(pid ? ["--pid", "--fork", "--kill-child", "--mount-proc"] : []),
    ...(ipc ? ["--ipc"] : []),
    ...(cgroup ? ["--cgroup"] : []),
    "--",
    `/proc/self/fd/${plan + 1}`,
    "become",
    String(plan),
  ];
}
