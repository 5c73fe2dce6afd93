/**
 * What it takes to bring a changed setting into a running instance: `scale` only another number of instances,
 * `live` the running instance takes it over, `restart` only a new process has it.
 */
export type Effect = "scale" | "live" | "restart";

// What the daemon itself keeps and what never enters the process, and the cgroup files that the kernel rewrites while
// the instance runs. Whatever is not named here needs a new process.
const liveSettings = [
  "warm",
  "restart",
  "stop",
  "dependsOn",
  "logs.maxAgeMs",
  "resources.cpuCores",
  "resources.cpuWeight",
  "resources.memoryBytes",
  "resources.pids",
  "resources.ioReadBytesPerSecond",
  "resources.ioWriteBytesPerSecond",
  "resources.ioReadOpsPerSecond",
  "resources.ioWriteOpsPerSecond",
];

// The rhythm and the patience of a probe. Another check, or one more, takes over by new instances: where it is wrong, the
// update stops at the first of them, and a live one would end them all.
const probeTiming = /^health\.\w+\.(?:initialDelayMs|periodMs|timeoutMs|successThreshold|failureThreshold)$/;

/** The effect of a change of the setting at `path`, written like `resources.memoryBytes` or `ports[0].publicPort`. */
export function effectOf(path: string): Effect {
  if (path === "instances") return "scale";
  if (probeTiming.test(path)) return "live";
  const live = liveSettings.some(
    (setting) => path === setting || path.startsWith(`${setting}.`) || path.startsWith(`${setting}[`),
  );
  return live ? "live" : "restart";
}
