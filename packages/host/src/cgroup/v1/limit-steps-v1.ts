import { existsSync } from "node:fs";
import { sharesFromWeight } from "../cpu-weight.ts";
import { blockDeviceOf } from "../block-device.ts";
import type { LimitStep } from "../limit-steps.ts";
import { noDevice, noSwapAccounting, swapAlone, swapTotalBytes } from "../missing-limits.ts";
import { cpuQuota, type CgroupLimits, type IoLimit, type LimitName } from "../limits.ts";
import { readKernelFileIfPresent } from "../../proc/read-file.ts";
import { kernelUnits } from "../../proc/clock.ts";
import { parseUnsigned } from "../../proc/unsigned.ts";

/** The kernel calls 2^63 less a page "no limit". */
const noLimitFrom = 2 ** 60;

/** The directory of each controller that the group has. */
export type V1Directories = Readonly<Record<string, string>>;

/** The v1 files that carry the bounds asked for, in the order in which the kernel takes them. */
export function v1LimitSteps(
  directories: V1Directories,
  limits: CgroupLimits,
  swapTotal: () => number = swapTotalBytes,
): LimitStep[] {
  return [
    ...cpuSteps(directories, limits),
    ...memorySteps(directories, limits, swapTotal),
    ...pidsSteps(directories, limits),
    ...(limits.io ?? []).flatMap((io) => ioSteps(directories, io)),
  ];
}

function cpuSteps(directories: V1Directories, limits: CgroupLimits): LimitStep[] {
  const steps: LimitStep[] = [];
  const cpu = directories["cpu"];
  if (limits.cpuCores !== undefined) {
    const wanted = `${limits.cpuCores} cores`;
    if (cpu === undefined) steps.push(noController("cpu", wanted, "cpu"));
    else if (limits.cpuCores === "max") steps.push(step("cpu", wanted, `${cpu}/cpu.cfs_quota_us`, "-1"));
    else {
      const { quotaUs, periodUs } = cpuQuota(limits.cpuCores, limits.cpuPeriodUs);
      const periodStep = step("cpu", wanted, `${cpu}/cpu.cfs_period_us`, String(periodUs));
      const quotaStep = step("cpu", wanted, `${cpu}/cpu.cfs_quota_us`, String(quotaUs));
      // In between their ratio may never be larger than before and after, or it could pass that of a group above. Who
      // chooses no period has the same before and after, and a start is not to wait for one more file.
      const isPeriodChosen = limits.cpuPeriodUs !== undefined;
      const present = isPeriodChosen ? parseUnsigned(readKernelFileIfPresent(`${cpu}/cpu.cfs_quota_us`)) : undefined;
      steps.push(...(quotaUs < (present ?? 0) ? [quotaStep, periodStep] : [periodStep, quotaStep]));
    }
  }
  if (limits.cpuWeight !== undefined) {
    const wanted = `weight ${limits.cpuWeight}`;
    if (cpu === undefined) steps.push(noController("cpu-weight", wanted, "cpu"));
    else steps.push(step("cpu-weight", wanted, `${cpu}/cpu.shares`, String(sharesFromWeight(limits.cpuWeight))));
  }
  return steps;
}

function memorySteps(directories: V1Directories, limits: CgroupLimits, swapTotal: () => number): LimitStep[] {
  if (limits.memoryBytes === undefined && limits.swapBytes === undefined) return [];
  const memory = directories["memory"];
  const wanted = `${limits.memoryBytes ?? "unchanged"} bytes`;
  if (memory === undefined) return [noController("memory", wanted, "memory")];
  const limitPath = `${memory}/memory.limit_in_bytes`;
  const bothPath = `${memory}/memory.memsw.limit_in_bytes`;
  const bytes = limits.memoryBytes ?? presentBound(limitPath);
  const swap = limits.swapBytes ?? (bytes === "max" ? "max" : 0);
  const both = bytes === "max" || swap === "max" ? "max" : bytes + swap;
  const limitStep = bytesStep("memory", wanted, limitPath, bytes);
  if (!existsSync(bothPath)) {
    const noSwap = swap === "max" || swapTotal() === 0;
    if (noSwap) return [limitStep];
    return [limitStep, noSwapAccounting(`${swap} bytes`)];
  }
  const unbounded = bytes === "max" && swap !== "max" && swapTotal() > 0 ? [swapAlone(`${swap} bytes of swap`)] : [];
  const bothStep = bytesStep("swap", `${swap} bytes of swap`, bothPath, both);
  // memsw may never be below limit: raise it first, lower it last.
  const present = parseUnsigned(readKernelFileIfPresent(bothPath)) ?? 0;
  const raises = both === "max" || both > present;
  return [...unbounded, ...(raises ? [bothStep, limitStep] : [limitStep, bothStep])];
}

function presentBound(path: string): number | "max" {
  const bytes = parseUnsigned(readKernelFileIfPresent(path));
  return bytes === undefined || bytes >= noLimitFrom ? "max" : bytes;
}

function pidsSteps(directories: V1Directories, limits: CgroupLimits): LimitStep[] {
  if (limits.pidsMax === undefined) return [];
  const pids = directories["pids"];
  const wanted = `${limits.pidsMax} processes`;
  if (pids === undefined) return [noController("pids", wanted, "pids")];
  return [step("pids", wanted, `${pids}/pids.max`, String(limits.pidsMax))];
}

function ioSteps(directories: V1Directories, io: IoLimit): LimitStep[] {
  const blkio = directories["blkio"];
  const rates = [
    ["read_bps", io.readBytesPerSecond],
    ["write_bps", io.writeBytesPerSecond],
    ["read_iops", io.readOpsPerSecond],
    ["write_iops", io.writeOpsPerSecond],
  ] as const;
  return rates.flatMap(([file, rate]) => {
    if (rate === undefined) return [];
    const wanted = `${file} ${rate} on ${io.device}`;
    if (blkio === undefined) return [noController("io", wanted, "blkio")];
    const device = blockDeviceOf(io.device);
    if (device.kind === "none") return [noDevice(wanted, device.reason)];
    const line = `${device.majorMinor} ${rate === "max" ? 0 : rate}`;
    return [
      {
        kind: "write" as const,
        limit: "io" as const,
        wanted,
        path: `${blkio}/blkio.throttle.${file}_device`,
        text: line,
        holds: (text: string) =>
          rate === "max"
            ? !text.split("\n").some((each) => each.startsWith(`${device.majorMinor} `))
            : text.split("\n").includes(line),
        remedy: "use a kernel with CONFIG_BLK_DEV_THROTTLING",
      },
    ];
  });
}

function step(limit: LimitName, wanted: string, path: string, text: string): LimitStep {
  const remedy = "run as root or in a delegated cgroup whose ancestors allow this value";
  return { kind: "write", limit, wanted, path, text, holds: (readBack) => readBack.trim() === text, remedy };
}

function bytesStep(limit: LimitName, wanted: string, path: string, bytes: number | "max"): LimitStep {
  return {
    kind: "write",
    limit,
    wanted,
    path,
    text: bytes === "max" ? "-1" : String(bytes),
    holds: (readBack) => {
      const value = parseUnsigned(readBack);
      if (value === undefined) return false;
      // The kernel rounds down to whole pages.
      return bytes === "max" ? value >= noLimitFrom : value <= bytes && value > bytes - kernelUnits().pageBytes;
    },
    remedy: "lower the use first, or choose a limit above it",
  };
}

function noController(limit: LimitName, wanted: string, controller: string): LimitStep {
  return {
    kind: "missing",
    unenforceable: {
      limit,
      wanted,
      missing: `the cgroup v1 controller "${controller}" is not mounted`,
      remedy: `mount it (mount -t cgroup -o ${controller} cgroup /sys/fs/cgroup/${controller})`,
    },
  };
}
