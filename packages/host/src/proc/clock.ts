import { readFileSync } from "node:fs";
import { systemRoots, type HostRoots } from "../roots.ts";
import { readKernelFile } from "./read-file.ts";

/** Units of this kernel: ticks per second of /proc times, and bytes per page. */
export interface KernelUnits {
  readonly ticksPerSecond: number;
  readonly pageBytes: number;
}

let known: KernelUnits | undefined;

/** The kernel's units, from the auxiliary vector (getauxval(3): AT_CLKTCK, AT_PAGESZ); read once. */
export function kernelUnits(): KernelUnits {
  known ??= readAuxiliaryVector();
  return known;
}

/** The random id of this boot; a pid and start time mean a process only within one boot. */
export function bootId(roots: HostRoots = systemRoots): string {
  return readKernelFile(`${roots.proc}/sys/kernel/random/boot_id`).trim();
}

/** Milliseconds since boot, suspended time included. */
export function uptimeMs(roots: HostRoots = systemRoots): number {
  return Math.round(Number.parseFloat(readKernelFile(`${roots.proc}/uptime`)) * 1000) || 0;
}

/** Turns clock ticks into microseconds. */
export function ticksToUs(ticks: number): number {
  return (ticks * 1_000_000) / kernelUnits().ticksPerSecond;
}

/** Parses an auxiliary vector of 64-bit little-endian pairs; entries that are missing keep Linux's usual values. */
export function parseAuxiliaryVector(bytes: Uint8Array): KernelUnits {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let ticksPerSecond = 100;
  let pageBytes = 4096;
  for (let at = 0; at + 16 <= bytes.byteLength; at += 16) {
    const type = view.getBigUint64(at, true);
    const value = Number(view.getBigUint64(at + 8, true));
    if (type === 6n && value > 0) pageBytes = value;
    if (type === 17n && value > 0) ticksPerSecond = value;
  }
  return { ticksPerSecond, pageBytes };
}

function readAuxiliaryVector(): KernelUnits {
  try {
    return parseAuxiliaryVector(readFileSync("/proc/self/auxv"));
  } catch {
    // /proc may be hidden in a sandbox; USER_HZ is 100 and the page 4 KiB on every x86-64 and nearly every arm64.
    return { ticksPerSecond: 100, pageBytes: 4096 };
  }
}
