import { setMaxListeners } from "node:events";
import { cgroupFeatures } from "./cgroup-features.ts";
import { featureNames, missing, type Feature, type FeatureName } from "./feature.ts";
import { kernelFeatures } from "./kernel-features.ts";
import { namespaceFeatures } from "./namespace-features.ts";
import { networkFeatures } from "./network-features.ts";
import { runtimeLooks, runtimeTrials } from "./runtime-features.ts";
import { storageLooks, storageTrials } from "./storage-features.ts";
import { timeLimit } from "../time-limit.ts";

/** How long a whole probe may take, and what ends it before. */
export interface ProbeOptions {
  /** A trial that has not ended by then counts as failed and is killed. @default 5000 */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Features that exist off Linux too. */
const portable: readonly FeatureName[] = ["container-engines", "node-sqlite", "node-compile-cache"];

/**
 * Looks at everything this platform can use on this machine; what must be tried is tried in short-lived children, all
 * at once, and leaves nothing behind. One row for each of `featureNames`, in that order.
 */
export async function probeHost(options: ProbeOptions = {}): Promise<Feature[]> {
  const signal = timeLimit(options.timeoutMs ?? 5000, options.signal);
  // One listener for each trial that runs at the same time.
  setMaxListeners(0, signal);
  const tried =
    process.platform === "linux"
      ? [...namespaceFeatures(signal), ...storageTrials(signal), ...networkFeatures(signal), ...runtimeTrials(signal)]
      : runtimeTrials(signal);
  const looked =
    process.platform === "linux"
      ? [...kernelFeatures(), ...cgroupFeatures(), ...storageLooks(), ...runtimeLooks()]
      : runtimeLooks();
  const features = [...looked, ...(await Promise.all(tried))];
  options.signal?.throwIfAborted();
  const byName = new Map(features.map((each) => [each.name, each]));
  return featureNames.map((name) => {
    const found = byName.get(name);
    if (process.platform !== "linux" && !portable.includes(name))
      return missing(
        name,
        `a Linux feature; this is ${process.platform}`,
        "run the daemon on Linux for isolation and limits (WSL 2 or a virtual machine works)",
      );
    return found ?? missing(name, "not looked at", "report this: the probe forgot it");
  });
}
