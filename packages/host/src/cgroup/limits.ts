import { HostError } from "../failure.ts";

/** Bounds of a control group; what is left out stays as it is, "max" lifts a bound. */
export interface CgroupLimits {
  /** CPU time per wall time, in cores: 0.05 is 5 % of one core, 2 is two whole cores. */
  readonly cpuCores?: number | "max";
  /** The window in which the quota counts; shorter is smoother and costs more switches. @default 100_000 */
  readonly cpuPeriodUs?: number;
  /** Share under contention, 1 to 10,000, in cgroup v2's unit. @default 100 */
  readonly cpuWeight?: number;
  /** Hard bound: the kernel kills within the group when it cannot reclaim below it. */
  readonly memoryBytes?: number | "max";
  /** Swap on top of memory. @default 0 whenever memoryBytes is set */
  readonly swapBytes?: number | "max";
  /** Processes and threads together. */
  readonly pidsMax?: number | "max";
  /** Rates per block device. */
  readonly io?: readonly IoLimit[];
}

/** Rates on the block device that holds a path. */
export interface IoLimit {
  /** Any path on the device, or the device as "major:minor". */
  readonly device: string;
  readonly readBytesPerSecond?: number | "max";
  readonly writeBytesPerSecond?: number | "max";
  readonly readOpsPerSecond?: number | "max";
  readonly writeOpsPerSecond?: number | "max";
}

/** The single bounds that can be missing. */
export type LimitName = "cpu" | "cpu-weight" | "memory" | "swap" | "pids" | "io";

/** A bound that was asked for and that this machine does not enforce. */
export interface UnenforceableLimit {
  readonly limit: LimitName;
  readonly wanted: string;
  /** What is missing, in words. */
  readonly missing: string;
  /** What the user can do about it. */
  readonly remedy: string;
}

/** Whether every bound asked for was written, read back and found as wanted. */
export type LimitVerdict =
  | { readonly kind: "enforced" }
  | { readonly kind: "unenforceable"; readonly limits: readonly UnenforceableLimit[] };

/** The kernel's own floor for a quota and for its period (kernel/sched/core.c: min_cfs_quota_period). */
const minQuotaUs = 1000;
const maxPeriodUs = 1_000_000;

/** A quota of `cores` as kernel numbers; the period grows when the quota would be below the kernel's floor of 1 ms. */
export function cpuQuota(cores: number, periodUs = 100_000): { readonly quotaUs: number; readonly periodUs: number } {
  const period = Math.min(maxPeriodUs, Math.max(periodUs, Math.ceil(minQuotaUs / cores)));
  return { quotaUs: Math.max(minQuotaUs, Math.round(cores * period)), periodUs: period };
}

/** Refuses values that no kernel takes. @throws HostError limit-invalid */
export function checkLimits(limits: CgroupLimits): void {
  checkNumber("cpuCores", limits.cpuCores, 0.001, 100_000, false, "0.001 cores or more");
  checkNumber("cpuPeriodUs", limits.cpuPeriodUs, 1000, maxPeriodUs, true, "1,000 to 1,000,000 microseconds");
  checkNumber("cpuWeight", limits.cpuWeight, 1, 10_000, true, "a whole number from 1 to 10,000");
  checkNumber("memoryBytes", limits.memoryBytes, 4096, 2 ** 52, true, "whole bytes, 4096 or more");
  checkNumber("swapBytes", limits.swapBytes, 0, 2 ** 52, true, "whole bytes, 0 or more");
  checkNumber("pidsMax", limits.pidsMax, 1, 4_194_304, true, "a whole number from 1 to 4,194,304");
  for (const io of limits.io ?? [])
    for (const key of ["readBytesPerSecond", "writeBytesPerSecond", "readOpsPerSecond", "writeOpsPerSecond"] as const)
      checkNumber(`io ${io.device} ${key}`, io[key], 1, 2 ** 52, true, "a whole number, 1 or more");
}

function checkNumber(
  name: string,
  value: number | "max" | undefined,
  least: number,
  most: number,
  whole: boolean,
  wanted: string,
): void {
  if (value === undefined || value === "max") return;
  if (typeof value === "number" && value >= least && value <= most && (!whole || Number.isInteger(value))) return;
  throw new HostError("limit-invalid", `Cannot set the limit ${name} to ${String(value)}: wanted ${wanted}`);
}
