import type { CgroupLimits, LimitVerdict } from "./limits.ts";

/** Where a control group is, as plain data: keep it, and the next daemon opens the same group with `openCgroup`. */
export type CgroupLocation =
  | { readonly version: 1; readonly name: string; readonly directories: Readonly<Record<string, string>> }
  | { readonly version: 2; readonly name: string; readonly directory: string };

/**
 * How a launcher puts its own process in. `tasks`: write "0" to the file from a process of one thread (never
 * `cgroup.procs`, which waits 8-12 ms for a grace period when starts are sparse). `directory`: open it and pass it to
 * clone3 with CLONE_INTO_CGROUP.
 */
export type JoinTarget =
  | { readonly kind: "tasks"; readonly path: string; readonly controllers: readonly string[] }
  | { readonly kind: "directory"; readonly path: string };

/** Running totals and present use; a field is missing when this kernel or hierarchy does not count it. */
export interface CgroupCounters {
  readonly cpuTimeUs?: number;
  readonly cpuThrottledUs?: number;
  readonly cpuThrottledPeriods?: number;
  readonly memoryCurrentBytes?: number;
  readonly memoryPeakBytes?: number;
  readonly memoryInactiveFileBytes?: number;
  readonly pidsCurrent?: number;
  readonly ioReadBytes?: number;
  readonly ioWriteBytes?: number;
  readonly ioReadOps?: number;
  readonly ioWriteOps?: number;
}

/** What the limits have done so far. */
export interface CgroupEvents {
  /** Processes killed by the kernel for the group's memory bound. */
  readonly oomKills: number;
  /** Forks refused by the pids bound. */
  readonly pidsMaxHits: number;
  /** Times memory use met its bound (reclaim or OOM). */
  readonly memoryMaxHits: number;
  readonly memoryPeakBytes?: number;
}

/** `killed` counts the signals that were needed; `survivors` are pids that did not end in time (uninterruptible sleep). */
export type KillOutcome =
  | { readonly kind: "empty"; readonly killed: number }
  | { readonly kind: "survivors"; readonly pids: readonly number[] };

/** `busy` when processes or children of the group stayed until the time was over. */
export type RemoveOutcome = { readonly kind: "removed" } | { readonly kind: "busy"; readonly reason: string };

/** How long kill, freeze and remove may take. */
export interface CgroupWait {
  /** @default 5000 */
  readonly timeoutMs?: number;
}

/** One control group of ours, on cgroup v1 (a directory per controller) or v2 (one directory). */
export interface Cgroup {
  readonly name: string;
  readonly location: CgroupLocation;
  readonly joinTargets: readonly JoinTarget[];
  /** Sets bounds now, also while it runs; each is read back. @throws HostError limit-invalid */
  setLimits(limits: CgroupLimits): LimitVerdict;
  /** @throws HostError file-unreadable when the group is gone */
  counters(): CgroupCounters;
  events(): CgroupEvents;
  /** The three numbers a monitor needs each tick, on kept descriptors. */
  readonly gauge: CgroupGauge;
  /** Pids in this group and in groups below it, zombies left out by the kernel. */
  processes(): number[];
  isPopulated(): boolean;
  /** Stops every process in the group, at once and unnoticed by them. @throws HostError timed-out, cgroup-failed */
  freeze(wait?: CgroupWait): Promise<void>;
  thaw(wait?: CgroupWait): Promise<void>;
  /** SIGKILLs every process in the group and below it and waits until it is empty. The group cannot be used again. */
  kill(wait?: CgroupWait): Promise<KillOutcome>;
  /** Removes the group and the groups below it; it must be empty. Removing twice is no failure. */
  remove(wait?: CgroupWait): Promise<RemoveOutcome>;
  /** Closes kept descriptors; the group itself stays. */
  close(): void;
}

/** Cheap single readings, each one read of a kept descriptor; undefined when not counted here. */
export interface CgroupGauge {
  cpuTimeUs(): number | undefined;
  memoryCurrentBytes(): number | undefined;
  memoryPeakBytes(): number | undefined;
  /** File cache that can be reclaimed at once. */
  memoryInactiveFileBytes(): number | undefined;
  pidsCurrent(): number | undefined;
  oomKills(): number | undefined;
  io(): { readonly readBytes: number; readonly writeBytes: number } | undefined;
}
