import { existsSync, readFileSync, realpathSync } from "node:fs";
import type { HostFacts } from "../host-facts.ts";

/** How the size of a data folder can be enforced here; what is missing for images. */
export interface DiskQuotaAbilities {
  readonly kinds: readonly ("image" | "memory")[];
  /** The filesystem of the folder counts by project, and we may set its limits: better than an image. */
  readonly projectQuota: boolean;
  readonly missing: readonly string[];
}

/** What this machine offers for folders below `path`. */
export function probeDiskQuota(path: string, host: HostFacts): DiskQuotaAbilities {
  const missing = [
    ...(host.privileged ? [] : ["disk images need a root daemon"]),
    ...(existsSync("/dev/loop-control") ? [] : ["disk images need the kernel module loop"]),
    ...(["/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"].some((tool) => existsSync(tool))
      ? []
      : ["disk images need mkfs.ext4; install e2fsprogs"]),
  ];
  return {
    kinds: missing.length === 0 ? ["image", "memory"] : ["memory"],
    projectQuota: host.privileged && hasProjectQuota(path),
    missing,
  };
}

/** The mount options of the filesystem that holds the path (proc(5), /proc/pid/mountinfo). */
function hasProjectQuota(path: string): boolean {
  const real = realpathSync(path);
  const mounts = readFileSync("/proc/self/mountinfo", "latin1")
    .split("\n")
    .map((line) => ({ point: line.split(" ")[4] ?? "", options: line.split(" - ")[1]?.split(" ")[2] ?? "" }))
    .filter(({ point }) => point === "/" || real === point || real.startsWith(`${point}/`));
  const holding = mounts.reduce<(typeof mounts)[number] | undefined>(
    (best, each) => (best === undefined || each.point.length >= best.point.length ? each : best),
    undefined,
  );
  return /(?:^|,)(?:prjquota|pquota)(?:,|$)/u.test(holding?.options ?? "");
}
