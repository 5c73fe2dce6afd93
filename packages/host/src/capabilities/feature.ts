/** Everything that the doctor looks for, in the order in which it is shown. */
export const featureNames = [
  "kernel",
  "privileges",
  "capabilities",
  "namespace-pid",
  "namespace-mount",
  "namespace-network",
  "namespace-ipc",
  "namespace-uts",
  "namespace-cgroup",
  "namespace-user",
  "rootless",
  "cgroup",
  "cgroup-cpu",
  "cgroup-memory",
  "cgroup-pids",
  "cgroup-io",
  "cgroup-freeze",
  "pressure",
  "seccomp",
  "landlock",
  "pidfd",
  "overlayfs",
  "loop-devices",
  "mkfs-ext4",
  "project-quota",
  "veth",
  "traffic-control",
  "nftables",
  "bubblewrap",
  "systemd",
  "container-engines",
  "open-files-limit",
  "processes-limit",
  "cpu-latency",
  "node-sqlite",
  "node-compile-cache",
] as const;

export type FeatureName = (typeof featureNames)[number];

/** One feature of this machine. `partial`: some of it, or not for us; `remedy` says what the user can do. */
export interface Feature {
  readonly name: FeatureName;
  readonly state: "available" | "partial" | "missing";
  readonly detail: string;
  readonly remedy?: string;
}

/** The feature is there. */
export function available(name: FeatureName, detail: string): Feature {
  return { name, state: "available", detail };
}

/** Some of the feature is there. */
export function partial(name: FeatureName, detail: string, remedy: string): Feature {
  return { name, state: "partial", detail, remedy };
}

/** The feature is not there. */
export function missing(name: FeatureName, detail: string, remedy: string): Feature {
  return { name, state: "missing", detail, remedy };
}
