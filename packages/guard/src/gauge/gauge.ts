import { openCpuGauge, openMemoryGauge, openPressureGauge, type Cgroup } from "@constellation/host";
import type { GuardSample } from "../policy/level.ts";

/** Everything the policy looks at, on kept descriptors. */
export interface GuardGauge {
  read(): Omit<GuardSample, "shielded">;
  /** Most memory the run has had: as its control group counted it (file cache included), else as it was sampled. */
  peakBytes(): number;
  /** CPU time of the run's tree so far, in microseconds; exact from its control group, else undefined. */
  cpuTimeUs(): number | undefined;
  close(): void;
}

/** Opens the gauge. The run's own memory is known when it has a control group; the group is opened when the run starts. */
export function openGuardGauge(group: () => Cgroup | undefined): GuardGauge {
  const memory = openMemoryGauge();
  const cpu = openCpuGauge();
  const stalls = openPressureGauge("memory");
  let peak = 0;
  return {
    read() {
      const { levels } = memory.read();
      const treeBytes = ownMemory(group());
      peak = Math.max(peak, treeBytes ?? 0);
      const { busyPercent } = cpu.read();
      return {
        atMs: performance.now(),
        bounds: levels.map(({ name, limitBytes, usedBytes }) => ({ name, limitBytes, usedBytes })),
        treeBytes,
        cpuShare: busyPercent === undefined ? undefined : busyPercent / 100,
        stallPercent: stalls?.read()?.full?.avg10,
      };
    },
    peakBytes: () => Math.max(peak, group()?.gauge.memoryPeakBytes() ?? 0),
    cpuTimeUs: () => group()?.gauge.cpuTimeUs(),
    close() {
      memory.close();
      cpu.close();
      stalls?.close();
    },
  };
}

function ownMemory(group: Cgroup | undefined): number | undefined {
  if (group === undefined) return undefined;
  const { memoryCurrentBytes, memoryInactiveFileBytes = 0 } = group.counters();
  return memoryCurrentBytes === undefined ? undefined : Math.max(0, memoryCurrentBytes - memoryInactiveFileBytes);
}
