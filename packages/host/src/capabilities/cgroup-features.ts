import { accessSync, constants } from "node:fs";
import { detectCgroups, type CgroupLayout, type V1Controller } from "../cgroup/layout.ts";
import { readKernelFileIfPresent } from "../proc/read-file.ts";
import { available, missing, partial, type Feature, type FeatureName } from "./feature.ts";

const controllers = [
  ["cgroup-cpu", "cpu", "cpu"],
  ["cgroup-memory", "memory", "memory"],
  ["cgroup-pids", "pids", "pids"],
  ["cgroup-io", "io", "blkio"],
] as const;

/** Control groups: which version, and which controllers we may use; looks only, makes nothing. */
export function cgroupFeatures(layout: CgroupLayout = detectCgroups()): Feature[] {
  if (layout.kind === "none") {
    const names: FeatureName[] = ["cgroup", ...controllers.map(([name]) => name), "cgroup-freeze"];
    return names.map((name) => missing(name, layout.reason, "mount cgroup2 on /sys/fs/cgroup"));
  }
  return layout.kind === "v2" ? unifiedFeatures(layout) : v1Features(layout);
}

function unifiedFeatures(layout: Extract<CgroupLayout, { kind: "v2" }>): Feature[] {
  const { mountPoint, ownDirectory } = layout.unified;
  const home = [mountPoint, ownDirectory].find(isWritable);
  const remedy =
    "run as root, or let systemd start it: `constellation daemon install`, or `constellation daemon stop; systemd-run --user --scope -p Delegate=yes constellation daemon start`";
  const head =
    home === undefined
      ? partial("cgroup", `v2 at ${mountPoint}, ours is not writable`, remedy)
      : available("cgroup", `v2 at ${mountPoint}, groups go below ${home}`);
  const offered = (readKernelFileIfPresent(`${home ?? ownDirectory}/cgroup.controllers`) ?? "").split(/\s+/);
  return [
    head,
    ...controllers.map(([name, controller]) => {
      if (!offered.includes(controller))
        return missing(
          name,
          `the controller "${controller}" is not delegated`,
          "systemctl edit user@.service: [Service] Delegate=cpu cpuset io memory pids",
        );
      return home === undefined ? partial(name, "there, not writable for us", remedy) : available(name, "v2");
    }),
    home === undefined
      ? partial("cgroup-freeze", "there, not writable for us", remedy)
      : available("cgroup-freeze", "v2 cgroup.freeze and cgroup.kill"),
  ];
}

function v1Features(layout: Extract<CgroupLayout, { kind: "v1" | "hybrid" }>): Feature[] {
  const one = (name: FeatureName, controller: V1Controller): Feature => {
    const hierarchy = layout.hierarchies.get(controller);
    if (hierarchy === undefined)
      return missing(
        name,
        `the v1 controller "${controller}" is not mounted`,
        `mount -t cgroup -o ${controller} cgroup /sys/fs/cgroup/${controller}`,
      );
    return isWritable(hierarchy.ownDirectory)
      ? available(name, `v1 at ${hierarchy.mountPoint}`)
      : partial(
          name,
          `v1 at ${hierarchy.mountPoint}, not writable for us`,
          "run as root, or use a machine with cgroup v2 and delegation",
        );
  };
  const detail = layout.kind === "hybrid" ? "v1 controllers beside an empty v2 hierarchy (hybrid)" : "v1";
  return [
    available("cgroup", `${detail}: ${[...layout.hierarchies.keys()].join(", ")}`),
    ...controllers.map(([name, , v1]) => one(name, v1)),
    one("cgroup-freeze", "freezer"),
  ];
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    accessSync(`${directory}/cgroup.procs`, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
