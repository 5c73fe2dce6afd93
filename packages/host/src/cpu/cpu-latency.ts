import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { errnoOf, HostError } from "../failure.ts";
import { readKernelFileIfPresent } from "../proc/read-file.ts";
import { systemRoots, type HostRoots } from "../roots.ts";

/** Takes and tells one number of 32 bits in the machine's own order (Linux, Documentation/power/pm_qos_interface.rst). */
const device = "/dev/cpu_dma_latency";
/** What it tells when nobody has asked for anything. */
const unlimitedUs = 2_000_000_000;

/** A bound on how long processors take to wake up, in force until it is released or its process has ended, however it did. */
export interface CpuLatencyLimit {
  release(): void;
}

/**
 * Bounds how long any processor of this machine takes to wake up: none sleeps more deeply than it can leave again in this
 * time; with 0 µs none sleeps at all. What is asleep forgets its caches, in a virtual machine whole to its neighbours. Of all
 * processes' bounds the least holds. Linux, root.
 *
 * @throws HostError `limit-invalid`; `permission-denied` to others than root; `platform-unsupported` where it would change nothing
 */
export function limitCpuLatency(microseconds: number, roots: HostRoots = systemRoots): CpuLatencyLimit {
  if (!Number.isInteger(microseconds) || microseconds < 0 || microseconds >= unlimitedUs)
    throw new HostError(
      "limit-invalid",
      `Cannot bound the wake-up of processors to ${microseconds} µs: wanted a whole number from 0`,
    );
  const fd = openDevice("r+");
  try {
    if (idleDriver(roots) === null)
      throw new HostError(
        "platform-unsupported",
        "Cannot bound the wake-up of processors: no driver manages their sleep",
      );
    writeSync(fd, new Int32Array([microseconds]));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let held = true;
  return {
    release() {
      if (held) closeSync(fd);
      held = false;
    },
  };
}

/**
 * The least of all processes' bounds in µs; null: there is none.
 *
 * @throws HostError `permission-denied` to others than root, `platform-unsupported`
 */
export function cpuLatencyLimitUs(): number | null {
  const fd = openDevice("r");
  try {
    const told = new Int32Array(1);
    readSync(fd, told, 0, told.byteLength, 0);
    const [us = unlimitedUs] = told;
    return us >= unlimitedUs ? null : us;
  } finally {
    closeSync(fd);
  }
}

/** Who decides how deeply a processor sleeps; null: nobody, each halts in its only way whatever it is asked (many virtual machines). */
export function idleDriver(roots: HostRoots = systemRoots): string | null {
  const name = readKernelFileIfPresent(`${roots.sys}/devices/system/cpu/cpuidle/current_driver`)?.trim() ?? "none";
  return name === "" || name === "none" ? null : name;
}

function openDevice(flags: "r" | "r+"): number {
  try {
    return openSync(device, flags);
  } catch (cause) {
    const denied = errnoOf(cause) === "EACCES" || errnoOf(cause) === "EPERM";
    throw denied
      ? new HostError("permission-denied", `Cannot open ${device}: only root may`, { cause })
      : new HostError("platform-unsupported", `Cannot open ${device}: ${String(cause)}`, { cause });
  }
}
