import { freemem, totalmem } from "node:os";
import { HostError } from "../failure.ts";
import { parseKeyValues } from "../proc/key-values.ts";
import { readKernelFile } from "../proc/read-file.ts";
import { systemRoots, type HostRoots } from "../roots.ts";

/** The machine's memory. `availableBytes` is what can be had without swapping (MemAvailable), never MemFree. */
export interface SystemMemory {
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly swapTotalBytes: number;
  readonly swapFreeBytes: number;
}

/** Reads the machine's memory; off Linux free memory stands for available memory and swap is not known (0). */
export function readSystemMemory(roots: HostRoots = systemRoots): SystemMemory {
  if (process.platform !== "linux" && roots === systemRoots)
    return { totalBytes: totalmem(), availableBytes: freemem(), swapTotalBytes: 0, swapFreeBytes: 0 };
  return parseMemoryInfo(readKernelFile(`${roots.proc}/meminfo`));
}

/** Parses /proc/meminfo (proc_meminfo(5)). @throws HostError file-malformed */
export function parseMemoryInfo(text: string): SystemMemory {
  const table = parseKeyValues(text);
  const totalBytes = table.get("MemTotal");
  const availableBytes = table.get("MemAvailable");
  if (totalBytes === undefined || availableBytes === undefined)
    throw new HostError(
      "file-malformed",
      "Cannot parse /proc/meminfo: wanted rows MemTotal and MemAvailable in kB (Linux 3.14)",
    );
  return {
    totalBytes,
    availableBytes,
    swapTotalBytes: table.get("SwapTotal") ?? 0,
    swapFreeBytes: table.get("SwapFree") ?? 0,
  };
}
