import { accessSync, constants, existsSync } from "node:fs";
import { parseMounts } from "../cgroup/mountinfo.ts";
import { readKernelFileIfPresent } from "../proc/read-file.ts";
import { available, missing, partial, type Feature } from "./feature.ts";
import { findProgram, tryCommand } from "./try-command.ts";

/** Mounts, tried in a mount namespace of a child, so that nothing of them is left. */
export function storageTrials(signal: AbortSignal): Promise<Feature>[] {
  return [overlayfs(signal)];
}

/** Disks, by looking only. */
export function storageLooks(): Feature[] {
  return [loopDevices(), mkfs(), projectQuota()];
}

async function overlayfs(signal: AbortSignal): Promise<Feature> {
  const script =
    "mount -t tmpfs none /mnt && mkdir /mnt/a /mnt/b /mnt/c /mnt/d && mount -t overlay none -o lowerdir=/mnt/a,upperdir=/mnt/b,workdir=/mnt/c /mnt/d";
  const viaUser = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const trial = await tryCommand("unshare", [...viaUser, "--mount", "sh", "-c", script], signal);
  if (trial.kind === "worked") return available("overlayfs", "mounted in a child");
  const known = readKernelFileIfPresent("/proc/filesystems")?.includes("\toverlay") === true;
  if (trial.kind === "no-program")
    return known
      ? partial("overlayfs", "in the kernel, not tried", "apt install util-linux")
      : missing("overlayfs", "not in the kernel", "modprobe overlay");
  return missing(
    "overlayfs",
    trial.reason,
    known ? "run as root, or use Linux 5.11 or newer for rootless overlay mounts" : "modprobe overlay",
  );
}

function loopDevices(): Feature {
  const control = "/dev/loop-control";
  if (!existsSync(control)) return missing("loop-devices", `no ${control}`, "modprobe loop");
  try {
    accessSync(control, constants.R_OK | constants.W_OK);
    return available("loop-devices", control);
  } catch {
    return partial("loop-devices", `${control} is not ours to open`, "run as root for disk quotas by image files");
  }
}

function mkfs(): Feature {
  const path = findProgram("mkfs.ext4");
  return path === undefined
    ? missing("mkfs-ext4", "no mkfs.ext4 program", "apt install e2fsprogs")
    : available("mkfs-ext4", path);
}

function projectQuota(): Feature {
  const mounts = parseMounts(readKernelFileIfPresent("/proc/self/mountinfo") ?? "");
  const withQuota = mounts.filter((each) =>
    each.superOptions.some((option) => option === "prjquota" || option === "pquota"),
  );
  return withQuota.length > 0
    ? available("project-quota", `on ${withQuota.map((each) => each.mountPoint).join(", ")}`)
    : missing(
        "project-quota",
        "no mounted filesystem counts by project",
        "mount the data disk with -o prjquota (ext4 or xfs); image files give disk limits without it",
      );
}
