import type { CgroupGauge } from "../cgroup/cgroup.ts";
import type { ProcessIdentity } from "../proc/identity.ts";
import type { ProcessTree } from "../proc/process-list.ts";

/** What is watched: one instance, by its main process. */
export interface MonitorTarget {
  readonly process: ProcessIdentity;
  /** Readings of the instance's control group: with it CPU, memory and I/O count the whole tree. */
  readonly cgroup?: { readonly gauge: CgroupGauge };
  /** A process in the instance's network namespace. @default the main process, when its namespace is not ours */
  readonly networkPid?: number;
  /** The writable data folder; its use is told when it is a filesystem of its own. */
  readonly dataPath?: string;
}

/** One look at an instance. A field is undefined when this platform or this set-up does not count it. */
export interface Sample {
  /** Monotonic milliseconds of this process. */
  readonly atMs: number;
  /** `cgroup`: the whole tree, ended children too. `process`: the main process and the children it waited for. */
  readonly cpuSource: "cgroup" | "process";
  readonly cpuTimeUs: number;
  /** Since the watch's last sample; 100 is one core. Undefined in the first sample. */
  readonly cpuPercent: number | undefined;
  /** Resident bytes of the main process, shared pages counted in full. */
  readonly memoryRssBytes: number;
  /** Bytes charged to the control group, file cache included. */
  readonly memoryCurrentBytes: number | undefined;
  readonly memoryPeakBytes: number | undefined;
  /** Processes and threads in the control group. */
  readonly tasks: number | undefined;
  /** Threads of the main process. */
  readonly threads: number | undefined;
  /** Open descriptors of the main process. */
  readonly fds: number | undefined;
  /** When I/O and network were read, which a look in turn may leave out: rates are over the time between these. */
  readonly countersAtMs: number;
  /** The larger of what the control group's devices and the main process count: each may miss some, none invents any. */
  readonly ioReadBytes: number | undefined;
  readonly ioWriteBytes: number | undefined;
  /** All interfaces of the instance's own network namespace but loopback. */
  readonly networkReceivedBytes: number | undefined;
  readonly networkSentBytes: number | undefined;
  /** Processes of the control group that the kernel ended for want of memory. */
  readonly oomKills: number | undefined;
  readonly dataUsedBytes: number | undefined;
  readonly dataTotalBytes: number | undefined;
}

/** One watched instance. */
export interface Watch {
  readonly target: MonitorTarget;
  /** Looks at everything now; undefined when the main process has ended (never another process that has its pid). */
  sample(): Sample | undefined;
  /**
   * A look for regular sampling at a third of the cost: CPU time and memory in use are new each time, I/O, network, tasks
   * and resident memory every fourth time, the peak, OOM kills, threads and descriptors every eighth. Of a group whose CPU
   * time and memory in use stand still since all of that was read, only I/O of devices and network are read on. The end of
   * the process shows with its resident memory.
   */
  sampleInTurn(): Sample | undefined;
  /** The cheapest look, for a record of long spans: CPU time, memory in use and OOM kills are new. It takes no turn of others. */
  sampleUsage(): Sample | undefined;
  /** The process tree now. */
  tree(): ProcessTree | undefined;
  close(): void;
}

/** How instances are watched on one platform. */
export interface Monitor {
  readonly platform: "linux" | "darwin";
  /** Starts watching. @throws HostError process-gone */
  watch(target: MonitorTarget): Watch;
}
