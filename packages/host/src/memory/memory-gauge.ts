import { LazyFiles } from "../cgroup/lazy-files.ts";
import { groupAndAncestors } from "../cgroup/ancestors.ts";
import { detectCgroups, type CgroupLayout } from "../cgroup/layout.ts";
import { numberAfterBytes } from "../cgroup/counter-text.ts";
import { HostError } from "../failure.ts";
import { KeptFile } from "../proc/kept-file.ts";
import { parseUnsigned } from "../proc/unsigned.ts";
import { systemRoots, type HostRoots } from "../roots.ts";
import { parseMemoryBytes, readSystemMemory, type SystemMemory } from "./system-memory.ts";

/** One bound on our memory: the machine, our control group, or a control group above it. */
export interface MemoryLevel {
  /** "machine" or the group's directory. */
  readonly name: string;
  readonly limitBytes: number;
  /** Use that cannot be reclaimed at once: without inactive file cache. */
  readonly usedBytes: number;
  readonly availableBytes: number;
}

/** Memory now, at every level that bounds us. */
export interface MemoryReading {
  readonly system: SystemMemory;
  /** Levels with a bound, the machine first. */
  readonly levels: readonly MemoryLevel[];
  /** The level with the least memory left: what will stop us first. */
  readonly tightest: MemoryLevel;
}

/** Reads memory again and again on kept descriptors. */
export interface MemoryGauge {
  /** @throws HostError file-unreadable */
  read(): MemoryReading;
  close(): void;
}

/** v1 writes 2^63 less a page for "no limit". */
const noLimitFrom = 2 ** 60;

/** Opens a gauge over the machine and our own control group with all its ancestors. */
export function openMemoryGauge(roots: HostRoots = systemRoots): MemoryGauge {
  if (process.platform !== "linux" && roots === systemRoots) return machineOnlyGauge();
  const files = new LazyFiles();
  const meminfo = KeptFile.open(`${roots.proc}/meminfo`);
  const groups = memoryGroups(detectCgroups(roots));
  return {
    read() {
      const system = parseMemoryBytes(meminfo.readShared());
      const levels = [machineLevel(system)];
      for (const directory of groups.directories) {
        const level = groups.version === 1 ? readV1(files, directory) : readV2(files, directory);
        if (level !== undefined) levels.push(level);
      }
      return { system, levels, tightest: tightestOf(levels) };
    },
    close() {
      meminfo.close();
      files.close();
    },
  };
}

/** One reading; to read repeatedly keep a gauge. */
export function readMemory(roots: HostRoots = systemRoots): MemoryReading {
  const gauge = openMemoryGauge(roots);
  try {
    return gauge.read();
  } finally {
    gauge.close();
  }
}

function memoryGroups(layout: CgroupLayout): { readonly version: 1 | 2; readonly directories: readonly string[] } {
  if (layout.kind === "v2") return { version: 2, directories: groupAndAncestors(layout.unified) };
  if (layout.kind === "none") return { version: 1, directories: [] };
  const memory = layout.hierarchies.get("memory");
  return { version: 1, directories: memory === undefined ? [] : groupAndAncestors(memory) };
}

function readV1(files: LazyFiles, directory: string): MemoryLevel | undefined {
  const limit = files.unsigned(`${directory}/memory.limit_in_bytes`);
  if (limit === undefined || limit >= noLimitFrom) return undefined;
  const usage = files.unsigned(`${directory}/memory.usage_in_bytes`) ?? 0;
  const reclaimable = reclaimableBytes(files, directory, "total_inactive_file ");
  return level(directory, limit, usage - reclaimable);
}

function readV2(files: LazyFiles, directory: string): MemoryLevel | undefined {
  const max = parseUnsigned(files.text(`${directory}/memory.max`));
  const high = parseUnsigned(files.text(`${directory}/memory.high`));
  const limit = Math.min(max ?? Number.POSITIVE_INFINITY, high ?? Number.POSITIVE_INFINITY);
  if (limit === Number.POSITIVE_INFINITY) return undefined;
  const usage = files.unsigned(`${directory}/memory.current`) ?? 0;
  const reclaimable = reclaimableBytes(files, directory, "inactive_file ");
  return level(directory, limit, usage - reclaimable);
}

/** Read on bytes: the table would be turned into text ten times a second. */
function reclaimableBytes(files: LazyFiles, directory: string, key: string): number {
  const table = files.get(`${directory}/memory.stat`)?.readShared();
  return table === undefined ? 0 : (numberAfterBytes(table, key) ?? 0);
}

function level(name: string, limitBytes: number, used: number): MemoryLevel {
  const usedBytes = Math.max(0, used);
  return { name, limitBytes, usedBytes, availableBytes: Math.max(0, limitBytes - usedBytes) };
}

function machineLevel(system: SystemMemory): MemoryLevel {
  return level("machine", system.totalBytes, system.totalBytes - system.availableBytes);
}

function tightestOf(levels: readonly MemoryLevel[]): MemoryLevel {
  const [first, ...rest] = levels;
  if (first === undefined) throw new HostError("file-malformed", "Cannot judge memory: no level was read");
  return rest.reduce((least, each) => (each.availableBytes < least.availableBytes ? each : least), first);
}

function machineOnlyGauge(): MemoryGauge {
  return {
    read() {
      const system = readSystemMemory();
      const machine = machineLevel(system);
      return { system, levels: [machine], tightest: machine };
    },
    close() {},
  };
}
