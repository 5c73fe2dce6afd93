import { posix } from "node:path";
import { parseMounts, type Mount } from "./mountinfo.ts";
import { readKernelFileIfPresent } from "../proc/read-file.ts";
import { systemRoots, type HostRoots } from "../roots.ts";

/** The v1 controllers that limit, count, freeze or kill. */
export const v1Controllers = ["cpu", "cpuacct", "memory", "pids", "blkio", "freezer", "cpuset"] as const;
export type V1Controller = (typeof v1Controllers)[number];

/** A hierarchy as this process sees it: where it is mounted and where in it this process is. Absolute paths. */
export interface Hierarchy {
  readonly mountPoint: string;
  /** The directory of the cgroup that this process is in. */
  readonly ownDirectory: string;
}

/**
 * How control groups are laid out here. `hybrid` is v1 controllers beside a v2 hierarchy that has none of them
 * (systemd's hybrid mode): limits go to v1, and v2 only serves pressure.
 */
export type CgroupLayout =
  | { readonly kind: "v2"; readonly unified: Hierarchy; readonly controllers: readonly string[] }
  | { readonly kind: "v1"; readonly hierarchies: ReadonlyMap<V1Controller, Hierarchy> }
  | {
      readonly kind: "hybrid";
      readonly hierarchies: ReadonlyMap<V1Controller, Hierarchy>;
      readonly unified: Hierarchy;
    }
  | { readonly kind: "none"; readonly reason: string };

/** Detects the cgroup layout from /proc/self/mountinfo and /proc/self/cgroup. */
export function detectCgroups(roots: HostRoots = systemRoots): CgroupLayout {
  const mountTable = readKernelFileIfPresent(`${roots.proc}/self/mountinfo`);
  const memberTable = readKernelFileIfPresent(`${roots.proc}/self/cgroup`);
  if (mountTable === undefined || memberTable === undefined)
    return { kind: "none", reason: `${roots.proc}/self/mountinfo or ${roots.proc}/self/cgroup cannot be read` };
  const mounts = parseMounts(mountTable).map((mount) => relocate(mount, roots));
  const memberships = parseMemberships(memberTable);

  const hierarchies = new Map<V1Controller, Hierarchy>();
  for (const controller of v1Controllers) {
    const mount = mounts.findLast((each) => each.fsType === "cgroup" && each.superOptions.includes(controller));
    const own = memberships.get(controller);
    if (mount !== undefined && own !== undefined) hierarchies.set(controller, hierarchy(mount, own));
  }
  const v2Mount = mounts.findLast((each) => each.fsType === "cgroup2");
  const v2Own = memberships.get("");
  const unified = v2Mount !== undefined && v2Own !== undefined ? hierarchy(v2Mount, v2Own) : undefined;

  if (hierarchies.size > 0) return unified ? { kind: "hybrid", hierarchies, unified } : { kind: "v1", hierarchies };
  if (unified !== undefined) return { kind: "v2", unified, controllers: controllersOf(unified) };
  return { kind: "none", reason: "no cgroup filesystem is mounted where this process sees it" };
}

/** Parses /proc/<pid>/cgroup: controller (or "" for v2, "name=x" for named) to path within the hierarchy. */
export function parseMemberships(text: string): Map<string, string> {
  const memberships = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
    if (match === null) continue;
    for (const controller of (match[1] as string).split(",")) memberships.set(controller, match[2] as string);
  }
  return memberships;
}

/** Recorded trees name mount points as the machine had them; put those under the injected root. */
function relocate(mount: Mount, roots: HostRoots): Mount {
  if (roots.sys === "/sys" || !mount.mountPoint.startsWith("/sys/")) return mount;
  return { ...mount, mountPoint: roots.sys + mount.mountPoint.slice("/sys".length) };
}

/** In a container the mount may show only part of the hierarchy: the own path counts from the mount's root. */
function hierarchy(mount: Mount, ownPath: string): Hierarchy {
  const below = posix.relative(mount.root, ownPath);
  const outside = below === ".." || below.startsWith("../");
  return {
    mountPoint: mount.mountPoint,
    ownDirectory: outside ? mount.mountPoint : posix.join(mount.mountPoint, below),
  };
}

function controllersOf(unified: Hierarchy): string[] {
  return (readKernelFileIfPresent(`${unified.ownDirectory}/cgroup.controllers`) ?? "").split(/\s+/).filter(Boolean);
}
