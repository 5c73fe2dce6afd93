/**
 * What it takes to bring a changed setting into a running instance: `scale` only another number of instances,
 * `live` the running instance takes it over, `restart` only a new process has it.
 */
export type Effect = "scale" | "live" | "restart";

// The kernel takes new values for these cgroup files while the instance runs; the last group is kept by the daemon
// itself and never enters the process. Whatever is not named here needs a new process.
const liveSettings = [
  "resources.cpuCores",
  "resources.cpuWeight",
  "resources.memoryBytes",
  "resources.pids",
  "resources.ioReadBytesPerSecond",
  "resources.ioWriteBytesPerSecond",
  "resources.ioReadOpsPerSecond",
  "resources.ioWriteOpsPerSecond",
  "resources.bestEffort",
  "restart",
  "stop",
  "health",
  "dependsOn",
  "logs.maxAgeMs",
];

/** The effect of a change of the setting at `path`, written like `resources.memoryBytes` or `ports[0].publicPort`. */
export function effectOf(path: string): Effect {
  if (path === "instances") return "scale";
  const live = liveSettings.some(
    (setting) => path === setting || path.startsWith(`${setting}.`) || path.startsWith(`${setting}[`),
  );
  return live ? "live" : "restart";
}
