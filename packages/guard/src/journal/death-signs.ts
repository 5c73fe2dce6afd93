import { readFileSync } from "node:fs";

/** What tells later whether an attempt that left no word died for memory: noted when it begins. */
export interface DeathSigns {
  /** Processes that the kernel has ended for memory since it started, in control groups too (proc_vmstat(5), oom_kill). */
  readonly oomKills: number;
  /** Of this start of the machine. */
  readonly boot: string;
}

/** Reads the signs; undefined where there are none (not Linux, or hidden). */
export function readDeathSigns(): DeathSigns | undefined {
  try {
    const kills = /^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "latin1"))?.[1];
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    return kills === undefined ? undefined : { oomKills: Number(kills), boot };
  } catch {
    return undefined;
  }
}

/** Whether memory ran out between two readings, or took the whole machine with it. */
export function ranOut(before: DeathSigns | undefined, after: DeathSigns | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  return before.boot !== after.boot || after.oomKills > before.oomKills;
}
