import { parseKeyValues } from "../proc/key-values.ts";
import { readKernelFileIfPresent } from "../proc/read-file.ts";
import type { LimitStep } from "./limit-steps.ts";

/** A device without a block queue to throttle. */
export function noDevice(wanted: string, reason: string): LimitStep {
  const remedy = "put the data on a disk filesystem";
  return { kind: "missing", unenforceable: { limit: "io", wanted, missing: reason, remedy } };
}

/** Swap that the kernel does not count by group. */
export function noSwapAccounting(wanted: string): LimitStep {
  return {
    kind: "missing",
    unenforceable: {
      limit: "swap",
      wanted,
      missing: "this kernel does not count swap per cgroup and the machine has swap",
      remedy: 'boot with "swapaccount=1", or turn swap off',
    },
  };
}

/** A bound on swap where there is none on memory: cgroup v1 bounds both together only. */
export function swapAlone(wanted: string): LimitStep {
  return {
    kind: "missing",
    unenforceable: {
      limit: "swap",
      wanted,
      missing: "cgroup v1 bounds memory and swap together, and memory has no bound",
      remedy: "give a bound on memory as well, or use cgroup v2",
    },
  };
}

/** Swap that the machine has; without any, a swap bound of 0 holds by itself. */
export function swapTotalBytes(): number {
  return parseKeyValues(readKernelFileIfPresent("/proc/meminfo") ?? "").get("SwapTotal") ?? 0;
}
