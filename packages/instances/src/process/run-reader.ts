import { type Cgroup, kernelUnits, ProcessReader, type ProcessTree, processTree, ticksToUs } from "@constellation/host";
import { emptyReading, type Reading } from "../driver/reading.ts";

/** What is read, and what is known of it. */
export interface RunReaderOptions {
  readonly cgroup: Cgroup | null;
  /** The program's main process. */
  readonly pid: number;
  readonly memoryLimitBytes: number | null;
  readonly ownNetwork: boolean;
  readonly ownPids: boolean;
}

/** Reads the counters of one run on kept descriptors. */
export class RunReader {
  readonly #cgroup: Cgroup | null;
  readonly #pid: number;
  readonly #memoryLimitBytes: number | null;
  readonly #ownNetwork: boolean;
  /** Processes of ours among those of the run: its init. */
  readonly #ours: number;
  #process: ProcessReader | null = null;

  constructor(options: RunReaderOptions) {
    this.#cgroup = options.cgroup;
    this.#pid = options.pid;
    this.#memoryLimitBytes = options.memoryLimitBytes;
    this.#ownNetwork = options.ownNetwork;
    this.#ours = options.ownPids ? 1 : 0;
  }

  /** `null` when its main process is gone. */
  read(): Reading | null {
    try {
      this.#process ??= ProcessReader.open(this.#pid);
      return this.#cgroup === null ? this.#ofProcess(this.#process) : this.#ofGroup(this.#cgroup, this.#process);
    } catch {
      return null;
    }
  }

  close(): void {
    this.#process?.close();
    this.#process = null;
  }

  #ofGroup(cgroup: Cgroup, process: ProcessReader): Reading {
    const { gauge } = cgroup;
    const io = gauge.io();
    const tasks = gauge.pidsCurrent();
    return {
      ...this.#common(process),
      cpuTimeUs: gauge.cpuTimeUs() ?? 0,
      memoryBytes: gauge.memoryCurrentBytes() ?? process.rssBytes(),
      memoryPeakBytes: gauge.memoryPeakBytes() ?? null,
      threads: tasks === undefined ? null : Math.max(0, tasks - this.#ours),
      processes: Math.max(0, cgroup.processes().length - this.#ours),
      diskReadBytes: io?.readBytes ?? null,
      diskWrittenBytes: io?.writeBytes ?? null,
    };
  }

  /** Without a control group only the main process and what it waited for can be counted. */
  #ofProcess(process: ProcessReader): Reading {
    const stat = process.stat();
    const ticks = stat.userTicks + stat.systemTicks + stat.childrenUserTicks + stat.childrenSystemTicks;
    return {
      ...this.#common(process),
      cpuTimeUs: ticksToUs(ticks),
      memoryBytes: stat.rssPages * kernelUnits().pageBytes,
      threads: stat.threads,
      processes: size(processTree(this.#pid)),
    };
  }

  #common(process: ProcessReader): Reading {
    const network = this.#ownNetwork ? process.network().filter(({ name }) => name !== "lo") : null;
    return {
      ...emptyReading,
      memoryRssBytes: process.rssBytes(),
      memoryLimitBytes: this.#memoryLimitBytes,
      openFiles: process.fdCount(),
      networkReceivedBytes: network?.reduce((sum, each) => sum + each.receivedBytes, 0) ?? null,
      networkSentBytes: network?.reduce((sum, each) => sum + each.sentBytes, 0) ?? null,
    };
  }
}

const size = (tree: ProcessTree | undefined): number =>
  tree === undefined ? 0 : 1 + tree.children.reduce((sum, child) => sum + size(child), 0);
