import { cpus } from "node:os";
import { KeptFile } from "../proc/kept-file.ts";
import { systemRoots, type HostRoots } from "../roots.ts";

/** CPU use of the whole machine between two readings. */
export interface CpuReading {
  /** 0 to 100: all cores busy is 100. Undefined at the first reading and when no tick has passed. */
  readonly busyPercent?: number;
  /** Totals in ticks since boot, over all cores. */
  readonly busyTicks: number;
  readonly totalTicks: number;
}

/** Reads the machine's CPU use again and again. */
export interface CpuGauge {
  read(): CpuReading;
  close(): void;
}

/** Opens a gauge over /proc/stat (Linux) or os.cpus() (elsewhere). */
export function openCpuGauge(roots: HostRoots = systemRoots): CpuGauge {
  const onLinux = process.platform === "linux" || roots !== systemRoots;
  const file = onLinux ? KeptFile.open(`${roots.proc}/stat`) : undefined;
  let last: { readonly busyTicks: number; readonly totalTicks: number } | undefined;
  return {
    read() {
      const now = file === undefined ? readOs() : parseCpuTotals(firstLine(file.readShared()));
      const total = last === undefined ? 0 : now.totalTicks - last.totalTicks;
      const busy = last === undefined ? 0 : now.busyTicks - last.busyTicks;
      last = now;
      return total <= 0 ? now : { ...now, busyPercent: Math.min(100, Math.max(0, (100 * busy) / total)) };
    },
    close() {
      file?.close();
    },
  };
}

/** Parses the first row of /proc/stat (proc_stat(5)): idle and iowait are not busy, guest time is already in user. */
export function parseCpuTotals(text: string): { readonly busyTicks: number; readonly totalTicks: number } {
  const row = /^cpu\s+([\d ]+)$/m.exec(text)?.[1] ?? "";
  const ticks = row.trim().split(/\s+/).slice(0, 8).map(Number);
  const totalTicks = ticks.reduce((sum, each) => sum + each, 0);
  return { busyTicks: totalTicks - (ticks[3] ?? 0) - (ticks[4] ?? 0), totalTicks };
}

/** The rest of /proc/stat, a row for each core and interrupt, is long and not looked at. */
function firstLine(table: Buffer): string {
  const end = table.indexOf(10);
  return table.toString("latin1", 0, end < 0 ? table.length : end);
}

function readOs(): { readonly busyTicks: number; readonly totalTicks: number } {
  let busyTicks = 0;
  let totalTicks = 0;
  for (const { times } of cpus()) {
    const busy = times.user + times.nice + times.sys + times.irq;
    busyTicks += busy;
    totalTicks += busy + times.idle;
  }
  return { busyTicks, totalTicks };
}
