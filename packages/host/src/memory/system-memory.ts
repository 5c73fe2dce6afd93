import { freemem, totalmem } from "node:os";
import { numberAfterBytes } from "../cgroup/counter-text.ts";
import { HostError } from "../failure.ts";
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
  return parseMemoryBytes(Buffer.from(text, "latin1"));
}

/** As `parseMemoryInfo`, on bytes: a gauge reads it many times a minute, and nothing but the result is allocated. */
export function parseMemoryBytes(table: Buffer): SystemMemory {
  const row = (name: string): number | undefined => {
    const kilobytes = numberAfterBytes(table, name);
    return kilobytes === undefined ? undefined : kilobytes * 1024;
  };
  const totalBytes = row("MemTotal:");
  const availableBytes = row("MemAvailable:");
  if (totalBytes === undefined || availableBytes === undefined)
    throw new HostError(
      "file-malformed",
      "Cannot parse /proc/meminfo: wanted rows MemTotal and MemAvailable in kB (Linux 3.14)",
    );
  return {
    totalBytes,
    availableBytes,
    swapTotalBytes: row("SwapTotal:") ?? 0,
    swapFreeBytes: row("SwapFree:") ?? 0,
  };
}
