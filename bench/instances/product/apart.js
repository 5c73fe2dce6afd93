// The machine stays as it is: root measures in namespaces of its own for network and mounts.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";

const mark = "CONSTELLATION_BENCH_INSIDE";
const isApart = () => process.env[mark] === "1";

/** Runs this program once more, apart, and ends with it. Does nothing for those who are no root, or apart already. */
export function goApart() {
  if (process.getuid() !== 0 || isApart()) return;
  const inside = ["-n", "-m", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", process.execPath];
  const options = { stdio: "inherit", env: { ...process.env, [mark]: "1" } };
  process.exit(spawnSync("unshare", [...inside, ...process.argv.slice(1)], options).status ?? 1);
}

/**
 * Puts a daemon's runtime folder into memory, where `/run` is on the machines that it is made for. The kernel takes it away
 * with the namespace. Others than root measure on the disk.
 */
export function runtimeInMemory(folder) {
  if (!isApart()) return;
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "mode=711", "constellation-bench", folder]);
  if (status !== 0) throw new Error(`cannot mount a tmpfs at ${folder}`);
}

/** Before its folder is removed. */
export function runtimeGone(folder) {
  if (isApart()) spawnSync("umount", ["-l", folder]);
}
