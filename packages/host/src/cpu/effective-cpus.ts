import { availableParallelism } from "node:os";
import { groupAndAncestors } from "../cgroup/ancestors.ts";
import { detectCgroups, type CgroupLayout } from "../cgroup/layout.ts";
import { readKernelFileIfPresent } from "../proc/read-file.ts";
import { parseProcessStatus } from "../proc/tables.ts";
import { parseUnsigned } from "../proc/unsigned.ts";
import { systemRoots, type HostRoots } from "../roots.ts";

/** How much CPU this process may really use, and which bound is the tightest. */
export interface EffectiveCpus {
  /** min(quota, cpuset, affinity, online); may be a fraction. */
  readonly cores: number;
  readonly limitedBy: "machine" | "affinity" | "cpuset" | "quota";
  readonly onlineCores: number;
  readonly affinityCores?: number;
  readonly cpusetCores?: number;
  /** The tightest quota of our control group and all above it. */
  readonly quotaCores?: number;
}

/** Reads every bound on CPU; a quota ignores cpusets and the other way round, so the least of all counts. */
export function effectiveCpus(roots: HostRoots = systemRoots): EffectiveCpus {
  if (process.platform !== "linux" && roots === systemRoots) {
    const online = availableParallelism();
    return { cores: online, limitedBy: "machine", onlineCores: online };
  }
  const layout = detectCgroups(roots);
  const status = parseProcessStatus(readKernelFileIfPresent(`${roots.proc}/self/status`) ?? "");
  const onlineCores =
    parseCpuList(readKernelFileIfPresent(`${roots.sys}/devices/system/cpu/online`) ?? "") || availableParallelism();
  const bounds = [
    { limitedBy: "machine", cores: onlineCores },
    { limitedBy: "affinity", cores: parseCpuList(status.cpusAllowedList) || undefined },
    { limitedBy: "cpuset", cores: cpusetCores(layout) },
    { limitedBy: "quota", cores: quotaCores(layout) },
  ] as const;
  const tightest = bounds.reduce((least, each) =>
    each.cores !== undefined && each.cores < (least.cores ?? Number.POSITIVE_INFINITY) ? each : least,
  );
  const [, affinity, cpuset, quota] = bounds;
  return {
    cores: tightest.cores ?? onlineCores,
    limitedBy: tightest.limitedBy,
    onlineCores,
    ...(affinity.cores === undefined ? {} : { affinityCores: affinity.cores }),
    ...(cpuset.cores === undefined ? {} : { cpusetCores: cpuset.cores }),
    ...(quota.cores === undefined ? {} : { quotaCores: quota.cores }),
  };
}

/** How many CPUs a kernel list such as "0-3,8,10-11" names; 0 for anything else. */
export function parseCpuList(text: string): number {
  let count = 0;
  for (const range of text.trim().split(",")) {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(range.trim());
    if (match === null) return 0;
    count += Math.max(0, Number(match[2] ?? match[1]) - Number(match[1]) + 1);
  }
  return count;
}

function quotaCores(layout: CgroupLayout): number | undefined {
  if (layout.kind === "none") return undefined;
  const hierarchy = layout.kind === "v2" ? layout.unified : layout.hierarchies.get("cpu");
  if (hierarchy === undefined) return undefined;
  const quotas = groupAndAncestors(hierarchy).flatMap((directory) => {
    const [quota, period] =
      layout.kind === "v2"
        ? (readKernelFileIfPresent(`${directory}/cpu.max`) ?? "").trim().split(" ")
        : [
            readKernelFileIfPresent(`${directory}/cpu.cfs_quota_us`),
            readKernelFileIfPresent(`${directory}/cpu.cfs_period_us`),
          ];
    const quotaUs = parseUnsigned(quota);
    const periodUs = parseUnsigned(period);
    return quotaUs === undefined || periodUs === undefined || periodUs === 0 ? [] : [quotaUs / periodUs];
  });
  return quotas.length === 0 ? undefined : Math.min(...quotas);
}

function cpusetCores(layout: CgroupLayout): number | undefined {
  if (layout.kind === "none") return undefined;
  const path =
    layout.kind === "v2"
      ? `${layout.unified.ownDirectory}/cpuset.cpus.effective`
      : `${layout.hierarchies.get("cpuset")?.ownDirectory ?? "/nonexistent"}/cpuset.effective_cpus`;
  return parseCpuList(readKernelFileIfPresent(path) ?? "") || undefined;
}
