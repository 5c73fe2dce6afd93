import type { HostFacts, LaunchRequest } from "../../launch/index.ts";

/** The words of bwrap(1). Its own init reaps; the tree dies with it. @param filter descriptor of the system call filter */
export function bubblewrapWords(launch: LaunchRequest, facts: HostFacts, filter: number | null): string[] {
  const { isolation, identity, cwd, network } = launch;
  const flag = (on: boolean, ...words: string[]): string[] => (on ? words : []);
  return [
    "bwrap",
    "--die-with-parent",
    "--unshare-user",
    ...flag(isolation.pid, "--unshare-pid"),
    ...flag(isolation.ipc, "--unshare-ipc"),
    ...flag(isolation.uts, "--unshare-uts", "--hostname", identity.hostname),
    ...flag(isolation.cgroup, "--unshare-cgroup"),
    ...flag(network.kind === "none", "--unshare-net"),
    ...(filter === null ? [] : ["--seccomp", String(filter)]),
    ...(isolation.root ? rootWords(launch, facts) : ["--bind", "/", "/", ...flag(isolation.pid, "--proc", "/proc")]),
    "--chdir",
    cwd,
    "--",
  ];
}

function rootWords({ binds, data }: LaunchRequest, { rootEntries, resolver }: HostFacts): string[] {
  return [
    ...rootEntries.flatMap((entry) =>
      entry.kind === "link"
        ? ["--symlink", entry.target, `/${entry.name}`]
        : ["--ro-bind", `/${entry.name}`, `/${entry.name}`],
    ),
    ...(resolver === null ? [] : ["--ro-bind", resolver, resolver]),
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--tmpfs",
    "/tmp",
    ...binds.flatMap(({ source, target, writable }) => [writable ? "--bind" : "--ro-bind", source, target ?? source]),
    ...(data?.kind === "folder" ? ["--bind", data.source, data.target] : []),
  ];
}
