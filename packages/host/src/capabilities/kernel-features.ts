import { existsSync } from "node:fs";
import { release } from "node:os";
import { cpuLatencyLimitUs, idleDriver } from "../cpu/cpu-latency.ts";
import { HostError } from "../failure.ts";
import { readKernelFileIfPresent } from "../proc/read-file.ts";
import { parseProcessStatus } from "../proc/tables.ts";
import { available, missing, partial, type Feature } from "./feature.ts";
import { capabilityNames } from "./linux-capabilities.ts";

/** The kernel's version, as major.minor in one comparable number (6.18 is 6018). */
export function kernelVersion(text = release()): number {
  const match = /^(\d+)\.(\d+)/.exec(text);
  return match === null ? 0 : Number(match[1]) * 1000 + Number(match[2]);
}

/** What the kernel says of itself, without trying anything. */
export function kernelFeatures(): Feature[] {
  const version = kernelVersion();
  return [
    version >= 5010
      ? available("kernel", `Linux ${release()}`)
      : partial("kernel", `Linux ${release()}`, "use Linux 5.10 or newer (Debian 11, Ubuntu 22.04, RHEL 9)"),
    privileges(),
    heldCapabilities(),
    pressure(),
    seccomp(),
    landlock(version),
    version >= 5003
      ? available("pidfd", "pidfd_open and pidfd_send_signal")
      : missing("pidfd", `Linux ${release()} has no pidfd_open`, "use Linux 5.3 or newer"),
    cpuLatency(),
  ];
}

function privileges(): Feature {
  const uid = process.getuid?.();
  return uid === 0
    ? available("privileges", "root")
    : partial("privileges", `user ${uid}`, "run as root for network limits, disk quotas and a user id per instance");
}

function heldCapabilities(): Feature {
  const status = parseProcessStatus(readKernelFileIfPresent("/proc/self/status") ?? "");
  const names = capabilityNames(status.effectiveCapabilities);
  const wanted = ["sys_admin", "net_admin", "setuid", "setgid", "kill", "sys_resource"];
  const lacking = wanted.filter((name) => !names.includes(name));
  if (lacking.length === 0) return available("capabilities", `${names.length} held, all that are of use`);
  const detail = names.length === 0 ? "none held" : `${names.length} held, without ${lacking.join(", ")}`;
  const remedy = lacking.includes("sys_admin")
    ? "run as root, or use user namespaces (rootless)"
    : `grant ${lacking.map((name) => `CAP_${name.toUpperCase()}`).join(", ")} to raise hard limits beyond the inherited ones`;
  return names.length === 0 ? missing("capabilities", detail, remedy) : partial("capabilities", detail, remedy);
}

function pressure(): Feature {
  return readKernelFileIfPresent("/proc/pressure/memory") === undefined
    ? missing("pressure", "no /proc/pressure", 'use a kernel with CONFIG_PSI and boot with "psi=1"')
    : available("pressure", "cpu, memory and io");
}

function seccomp(): Feature {
  const actions = readKernelFileIfPresent("/proc/sys/kernel/seccomp/actions_avail");
  return actions?.includes("errno") === true
    ? available("seccomp", `filter actions ${actions.trim()}`)
    : missing("seccomp", "the kernel offers no seccomp filter", "use a kernel with CONFIG_SECCOMP_FILTER");
}

function landlock(version: number): Feature {
  const modules = readKernelFileIfPresent("/sys/kernel/security/lsm");
  const remedy = 'use Linux 5.13 or newer and add "landlock" to the boot option lsm=';
  if (modules?.split(",").includes("landlock") === true)
    return available("landlock", `security modules ${modules.trim()}`);
  if (modules !== undefined || version < 5013)
    return missing("landlock", `security modules ${modules?.trim() ?? "unknown"}`, remedy);
  const symbols = readKernelFileIfPresent("/proc/kallsyms");
  if (symbols?.includes(" landlock_") === true)
    return partial(
      "landlock",
      "built into the kernel; whether it is on cannot be told",
      "mount securityfs: mount -t securityfs none /sys/kernel/security",
    );
  return symbols === undefined || !existsSync("/proc/kallsyms")
    ? partial("landlock", "cannot be told", "mount securityfs: mount -t securityfs none /sys/kernel/security")
    : missing("landlock", "not built into the kernel", remedy);
}

function cpuLatency(): Feature {
  const driver = idleDriver();
  if (driver === null)
    return missing(
      "cpu-latency",
      "no driver manages the sleep of processors: to ask for less of it changes nothing",
      "use a kernel with an idle driver (a KVM guest: boot with cpuidle_haltpoll.force=1), or do without",
    );
  try {
    const limitUs = cpuLatencyLimitUs();
    return available(
      "cpu-latency",
      limitUs === null
        ? `processors sleep as ${driver} sees fit`
        : `processors wake up within ${limitUs} µs (${driver})`,
    );
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return missing(
      "cpu-latency",
      error.message,
      "run the daemon as root, on a machine that has the device, or do without",
    );
  }
}
