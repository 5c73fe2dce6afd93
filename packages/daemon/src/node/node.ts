import { readFileSync, statfsSync } from "node:fs";
import { hostname } from "node:os";
import type { Feature, NodeInfo } from "@constellation/contract";
import type { NodeCapacity } from "@constellation/core";
import { hostCapacity, probeHost, readSystemMemory } from "@constellation/host";
import type { Driver } from "@constellation/instances";

/** Features change rarely and cost child processes to try: one look serves this long. */
const featuresFreshMs = 30_000;

/** This machine: what it has, what it can do, what it lacks. */
export class ThisNode {
  readonly #driver: Driver;
  readonly #dataFolder: string;
  #capacity: Omit<NodeCapacity, "diskBytes"> | null = null;
  #features: { readonly at: number; readonly list: Promise<Feature[]> } | null = null;

  /** @param dataFolder where the instances' data lies; its file system bounds disk limits */
  constructor(driver: Driver, dataFolder: string) {
    this.#driver = driver;
    this.#dataFolder = dataFolder;
  }

  /** What a single instance can be given at most. */
  capacity(): NodeCapacity {
    const folder = this.#dataFolder;
    return {
      ...(this.#capacity ??= readCapacity()),
      // Asked when somebody wants to know: few specs bound their disk.
      get diskBytes() {
        return sizeBytes(folder);
      },
    };
  }

  async info(): Promise<NodeInfo> {
    const { name, cpuCores, memoryBytes } = this.capacity();
    return {
      name,
      platform: `${process.platform}/${process.arch}`,
      cpus: cpuCores,
      memoryBytes,
      memoryAvailableBytes: readSystemMemory().availableBytes,
      features: await this.#lookAtFeatures(),
    };
  }

  #lookAtFeatures(): Promise<Feature[]> {
    const now = performance.now();
    if (this.#features === null || now - this.#features.at > featuresFreshMs)
      this.#features = { at: now, list: this.#look() };
    return this.#features.list;
  }

  async #look(): Promise<Feature[]> {
    const [host, driver] = await Promise.all([probeHost(), this.#driver.probe()]);
    return [...host.map((feature) => ({ ...feature, remedy: feature.remedy ?? null })), ...driver];
  }
}

function readCapacity(): Omit<NodeCapacity, "diskBytes"> {
  const { cpus, memoryBytes } = hostCapacity();
  return {
    name: hostname(),
    cpuCores: cpus.cores,
    memoryBytes,
    pids: readNumber("/proc/sys/kernel/pid_max", /(\d+)/),
    openFiles: readNumber("/proc/self/limits", /^Max open files\s+\S+\s+(\d+)/m),
  };
}

function readNumber(path: string, pattern: RegExp): number | null {
  try {
    const found = pattern.exec(readFileSync(path, "latin1"))?.[1];
    return found === undefined ? null : Number(found);
  } catch {
    return null;
  }
}

/** All of the disk: what is free now would refuse an app whose own data has taken it. */
function sizeBytes(folder: string): number | null {
  try {
    const { blocks, bsize } = statfsSync(folder);
    return blocks * bsize;
  } catch {
    return null;
  }
}
