import { detectCgroups } from "../cgroup/layout.ts";
import { KeptFile } from "../proc/kept-file.ts";
import { readKernelFileIfPresent } from "../proc/read-file.ts";
import { systemRoots, type HostRoots } from "../roots.ts";

/** Percent of time in which tasks stalled, over 10, 60 and 300 s, and the total in microseconds (kernel psi.rst). */
export interface StallShare {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly totalUs: number;
}

/** `some`: at least one task stalled; `full`: all of them at once. */
export interface Pressure {
  readonly some: StallShare;
  readonly full?: StallShare;
}

/** Pressure and what was added since the last reading of the same gauge. */
export interface PressureReading extends Pressure {
  /** Percent of the time since the last reading; undefined at the first. */
  readonly recentSomePercent?: number;
  readonly recentFullPercent?: number;
}

export type PressureResource = "cpu" | "memory" | "io";

/** Reads one resource's pressure again and again. */
export interface PressureGauge {
  read(): PressureReading | undefined;
  close(): void;
}

/** Parses a pressure file; undefined when it is none. */
export function parsePressure(text: string): Pressure | undefined {
  const some = stallShare(text, "some");
  if (some === undefined) return undefined;
  const full = stallShare(text, "full");
  return full === undefined ? { some } : { some, full };
}

/** Opens the machine's pressure of a resource, or undefined when this kernel has none (CONFIG_PSI off or not switched on, not Linux). */
export function openPressureGauge(
  resource: PressureResource,
  roots: HostRoots = systemRoots,
): PressureGauge | undefined {
  return gaugeOf(`${roots.proc}/pressure/${resource}`);
}

/** Opens the pressure of a v2 group (also there on hybrid machines); this process's own group when none is given. */
export function openCgroupPressureGauge(
  resource: PressureResource,
  directory?: string,
  roots: HostRoots = systemRoots,
): PressureGauge | undefined {
  const layout = detectCgroups(roots);
  const own = layout.kind === "v2" || layout.kind === "hybrid" ? layout.unified.ownDirectory : undefined;
  const group = directory ?? own;
  return group === undefined ? undefined : gaugeOf(`${group}/${resource}.pressure`);
}

function gaugeOf(path: string): PressureGauge | undefined {
  // Where pressure is built in but switched off (RHEL 8), the file is there, opens, and cannot be read.
  const file = readKernelFileIfPresent(path) === undefined ? undefined : KeptFile.openIfPresent(path);
  if (file === undefined) return undefined;
  let last: { readonly atMs: number; readonly pressure: Pressure } | undefined;
  return {
    read() {
      const atMs = performance.now();
      const pressure = parsePressure(file.read());
      if (pressure === undefined) return undefined;
      const before = last;
      last = { atMs, pressure };
      if (before === undefined || atMs <= before.atMs) return pressure;
      const percent = (now: StallShare, then: StallShare): number =>
        Math.min(100, Math.max(0, (now.totalUs - then.totalUs) / ((atMs - before.atMs) * 10)));
      const full =
        pressure.full !== undefined && before.pressure.full !== undefined
          ? { recentFullPercent: percent(pressure.full, before.pressure.full) }
          : {};
      return { ...pressure, recentSomePercent: percent(pressure.some, before.pressure.some), ...full };
    },
    close() {
      file.close();
    },
  };
}

function stallShare(text: string, kind: "some" | "full"): StallShare | undefined {
  const pattern = new RegExp(
    `^${kind} avg10=(\\d{1,3}\\.\\d+) avg60=(\\d{1,3}\\.\\d+) avg300=(\\d{1,3}\\.\\d+) total=(\\d{1,20})$`,
    "m",
  );
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, avg10, avg60, avg300, total] = match;
  return { avg10: Number(avg10), avg60: Number(avg60), avg300: Number(avg300), totalUs: Number(total) };
}
