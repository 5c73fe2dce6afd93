import { readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { errnoOf } from "../failure.ts";
import { systemRoots, type HostRoots } from "../roots.ts";

/** The block device that I/O limits count on, or why there is none. */
export type BlockDevice =
  | { readonly kind: "device"; readonly majorMinor: string }
  | { readonly kind: "none"; readonly reason: string };

/** The whole disk behind a path, or behind a device given as "major:minor"; limits are per disk, not per partition. */
export function blockDeviceOf(pathOrDevice: string, roots: HostRoots = systemRoots): BlockDevice {
  if (/^\d+:\d+$/.test(pathOrDevice)) return wholeDisk(pathOrDevice, roots);
  try {
    const device = statSync(pathOrDevice, { bigint: true }).dev;
    return wholeDisk(majorMinorOf(device), roots, pathOrDevice);
  } catch (error) {
    return { kind: "none", reason: `${pathOrDevice} cannot be looked at (${errnoOf(error) ?? String(error)})` };
  }
}

/** Splits a device number as glibc's gnu_dev_major and gnu_dev_minor do. */
export function majorMinorOf(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${major}:${minor & 0xffffffffn}`;
}

function wholeDisk(majorMinor: string, roots: HostRoots, path = majorMinor): BlockDevice {
  const entry = `${roots.sys}/dev/block/${majorMinor}`;
  try {
    const directory = realpathSync(entry);
    const disk = isPartition(directory) ? dirname(directory) : directory;
    return { kind: "device", majorMinor: readFileSync(`${disk}/dev`, "latin1").trim() };
  } catch {
    const what = majorMinor.startsWith("0:")
      ? "a filesystem without a block device (tmpfs, overlay, btrfs or network)"
      : `an unknown device ${basename(entry)}`;
    return { kind: "none", reason: `${path} is on ${what}` };
  }
}

function isPartition(directory: string): boolean {
  return statSync(`${directory}/partition`, { throwIfNoEntry: false }) !== undefined;
}
