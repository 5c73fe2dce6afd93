import {
  effectiveCpus,
  openCgroupPressureGauge,
  openCpuGauge,
  openMemoryGauge,
  openPressureGauge,
  type Cgroup,
} from "@constellation/host";
import type { GuardSample } from "../policy/level.ts";
import { openOwnShare } from "./own-share.ts";

/** Everything the policy looks at, on kept descriptors. */
export interface GuardGauge {
  read(): Omit<GuardSample, "shielded">;
  /** Most memory the run has had: as its control group counted it (file cache included), else as it was sampled. */
  peakBytes(): number;
  /** Most memory the run needed: without file cache, which goes when somebody wants the memory, as far as that is known. */
  neededBytes(): number;
  /** CPU time of the run's tree so far, in microseconds; exact from its control group, else undefined. */
  cpuTimeUs(): number | undefined;
  close(): void;
}

/** Opens the gauge. The run's own memory is known when it has a control group; the group is opened when the run starts. */
export function openGuardGauge(group: () => Cgroup | undefined): GuardGauge {
  const memory = openMemoryGauge();
  const cpu = openCpuGauge();
  // In a container the machine may be at ease while the group stalls; where the guard is in no group of its own it has none.
  const stalls = [openPressureGauge("memory"), openCgroupPressureGauge("memory")];
  const ownShare = openOwnShare(() => group()?.gauge.cpuTimeUs(), effectiveCpus().cores);
  let peak = 0;
  return {
    read() {
      const { levels } = memory.read();
      const treeBytes = ownMemory(group());
      peak = Math.max(peak, treeBytes ?? 0);
      const { busyPercent = 0 } = cpu.read();
      const atMs = performance.now();
      const stallPercents = stalls.flatMap((each) => each?.read()?.full?.avg10 ?? []);
      return {
        atMs,
        bounds: levels.map(({ name, limitBytes, usedBytes }) => ({ name, limitBytes, usedBytes })),
        treeBytes,
        cpuShare: Math.max(busyPercent / 100, ownShare(atMs)),
        stallPercent: stallPercents.length === 0 ? undefined : Math.max(...stallPercents),
      };
    },
    peakBytes: () => Math.max(peak, group()?.gauge.memoryPeakBytes() ?? 0),
    neededBytes() {
      const { gauge } = group() ?? {};
      return Math.max(peak, (gauge?.memoryPeakBytes() ?? 0) - (gauge?.memoryInactiveFileBytes() ?? 0));
    },
    cpuTimeUs: () => group()?.gauge.cpuTimeUs(),
    close() {
      memory.close();
      cpu.close();
      for (const each of stalls) each?.close();
    },
  };
}

function ownMemory(group: Cgroup | undefined): number | undefined {
  if (group === undefined) return undefined;
  const currentBytes = group.gauge.memoryCurrentBytes();
  return currentBytes === undefined
    ? undefined
    : Math.max(0, currentBytes - (group.gauge.memoryInactiveFileBytes() ?? 0));
}
