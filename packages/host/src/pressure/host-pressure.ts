import { cpus, loadavg } from "node:os";
import { openCpuGauge, type CpuReading } from "../cpu/cpu-gauge.ts";
import { effectiveCpus, type EffectiveCpus } from "../cpu/effective-cpus.ts";
import { openMemoryGauge, readMemory, type MemoryReading } from "../memory/memory-gauge.ts";
import { systemRoots, type HostRoots } from "../roots.ts";
import { openPressureGauge, type PressureReading, type PressureResource } from "./psi.ts";

/** What this machine offers, as far as we may use it. */
export interface HostCapacity {
  readonly cpus: EffectiveCpus;
  readonly cpuModel: string;
  /** The least of the machine's memory and the bounds of our control group and all above it. */
  readonly memoryBytes: number;
  readonly memoryLimitedBy: string;
  readonly swapBytes: number;
  readonly platform: NodeJS.Platform;
  readonly architecture: string;
}

/** How full this machine is now. */
export interface HostPressure {
  /** Monotonic milliseconds. */
  readonly atMs: number;
  readonly cpu: CpuReading;
  readonly memory: MemoryReading;
  /** Use of the tightest memory level, 0 to 100. */
  readonly memoryPercent: number;
  readonly stalls: Readonly<Partial<Record<PressureResource, PressureReading>>>;
  readonly load1: number;
  readonly load5: number;
  readonly load15: number;
}

/** Everything `HostPressure` holds, on kept descriptors. */
export interface HostGauge {
  read(): HostPressure;
  close(): void;
}

/** Reads what this machine offers. */
export function hostCapacity(roots: HostRoots = systemRoots): HostCapacity {
  const memory = readMemory(roots);
  const [least, ...rest] = memory.levels;
  const bound = rest.reduce((a, b) => (b.limitBytes < a.limitBytes ? b : a), least ?? memory.tightest);
  return {
    cpus: effectiveCpus(roots),
    cpuModel: cpus()[0]?.model ?? "unknown",
    memoryBytes: bound.limitBytes,
    memoryLimitedBy: bound.name,
    swapBytes: memory.system.swapTotalBytes,
    platform: process.platform,
    architecture: process.arch,
  };
}

/** Opens a gauge over CPU, memory at all levels, stalls and load; deltas count between its own readings. */
export function openHostGauge(roots: HostRoots = systemRoots): HostGauge {
  const cpu = openCpuGauge(roots);
  const memory = openMemoryGauge(roots);
  const resources = (["cpu", "memory", "io"] as const).flatMap((resource) => {
    const gauge = openPressureGauge(resource, roots);
    return gauge === undefined ? [] : [{ resource, gauge }];
  });
  return {
    read() {
      const reading = memory.read();
      const { tightest } = reading;
      const [load1 = 0, load5 = 0, load15 = 0] = loadavg();
      return {
        atMs: performance.now(),
        cpu: cpu.read(),
        memory: reading,
        memoryPercent: tightest.limitBytes === 0 ? 0 : (100 * tightest.usedBytes) / tightest.limitBytes,
        stalls: Object.fromEntries(
          resources.flatMap(({ resource, gauge }) => {
            const pressure = gauge.read();
            return pressure === undefined ? [] : [[resource, pressure]];
          }),
        ),
        load1,
        load5,
        load15,
      };
    },
    close() {
      cpu.close();
      memory.close();
      for (const { gauge } of resources) gauge.close();
    },
  };
}

/** One snapshot of how full this machine is; CPU use needs two readings, so keep a gauge for that. */
export function hostPressure(roots: HostRoots = systemRoots): HostPressure {
  const gauge = openHostGauge(roots);
  try {
    return gauge.read();
  } finally {
    gauge.close();
  }
}
