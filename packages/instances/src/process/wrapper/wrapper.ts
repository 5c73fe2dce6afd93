import { spawnSync } from "node:child_process";
import type { HostFacts, LaunchRequest } from "../../launch/index.ts";

/**
 * A program of the system that isolates where our launcher is not allowed to (a security module that lets only known
 * programs make namespaces, for example). The launcher still supervises and logs; the program is started through it.
 */
export type Wrapper = "bubblewrap" | "unshare";

/** What a program in a wrapper lives under, for those who follow it there. */
export type InsideWrapper = Pick<LaunchRequest, "isolation" | "user" | "network" | "cwd">;

/** What each keeps apart, and what it cannot. */
export const wrapperParts: Readonly<Record<Wrapper, { readonly keeps: readonly string[]; readonly lacks: string }>> = {
  bubblewrap: {
    keeps: ["namespace.mount", "root.read-only", "namespace.pid", "namespace.ipc", "namespace.uts", "namespace.cgroup"],
    lacks: "bandwidth limits, disks with a size, a private network, its own abstract sockets",
  },
  unshare: {
    keeps: ["namespace.pid", "namespace.ipc", "namespace.cgroup"],
    lacks: "a file tree and a host name of its own, bandwidth limits, disks with a size, any network but the machine's",
  },
};

/** How many processes of its own stand between the one that is executed and the program. */
export function depthOf({ isolation }: InsideWrapper, wrapper: Wrapper): number {
  if (isolation.pid) return 2;
  return wrapper === "bubblewrap" ? 1 : 0;
}

/** Whether the program has mounts of its own, be it only for its view of processes. */
export const hasOwnMounts = (wrapper: Wrapper, { pid }: { readonly pid: boolean }): boolean =>
  wrapper === "bubblewrap" || pid;

/** The strongest that works here; null when none does. */
export function findWrapper(facts: HostFacts): Wrapper | null {
  const bubblewrap = ["--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"];
  if (works("bwrap", bubblewrap, facts)) return "bubblewrap";
  return works("unshare", ["--user", "--pid", "--fork", "--kill-child", "--mount-proc", "--ipc", "true"], facts)
    ? "unshare"
    : null;
}

/** Tried as somebody without rights, as instances will be. */
function works(program: string, words: readonly string[], { uid, changesUsers }: HostFacts): boolean {
  const user = uid === 0 && changesUsers ? { uid: 65_534, gid: 65_534 } : {};
  const env = { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" };
  return spawnSync(program, words, { env, timeout: 5000, stdio: "ignore", cwd: "/", ...user }).status === 0;
}
