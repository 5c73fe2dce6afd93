import {
  type Cgroup,
  KeptFile,
  openMonitor,
  type ProcessIdentity,
  type ProcessTree,
  type Sample,
  type Watch,
} from "@constellation/host";
import type { Reading } from "../driver/reading.ts";

/** What is read, and what is known of it. */
export interface RunReaderOptions {
  readonly cgroup: Cgroup | null;
  /** The program's main process. */
  readonly process: ProcessIdentity;
  /** Asked at each reading: it can change while the run goes on. */
  readonly memoryLimitBytes: () => number | null;
  /** Its init, which is ours, is among the processes of its control group. */
  readonly ownPids: boolean;
}

/** Reads the counters of one run, all on kept descriptors. */
export class RunReader {
  readonly #options: RunReaderOptions;
  #watch: Watch | null = null;
  #members: KeptFile | null = null;

  constructor(options: RunReaderOptions) {
    this.#options = options;
  }

  /** `null` when its main process has ended. */
  read(): Reading | null {
    try {
      const watch = (this.#watch ??= this.#open());
      const sample = watch.sampleInTurn();
      return sample === undefined ? null : this.#reading(sample, watch);
    } catch {
      // Its processes or its control group are gone since the last look; the end is on its way.
      return null;
    }
  }

  close(): void {
    this.#watch?.close();
    this.#watch = null;
    this.#members?.close();
    this.#members = null;
  }

  #open(): Watch {
    const { cgroup, process } = this.#options;
    return openMonitor().watch({ process, ...(cgroup === null ? {} : { cgroup }) });
  }

  #reading(sample: Sample, watch: Watch): Reading {
    const { cgroup, memoryLimitBytes, ownPids } = this.#options;
    const ours = cgroup !== null && ownPids ? 1 : 0;
    return {
      cpuTimeUs: sample.cpuTimeUs,
      memoryBytes: sample.memoryCurrentBytes ?? sample.memoryRssBytes,
      memoryRssBytes: sample.memoryRssBytes,
      memoryPeakBytes: sample.memoryPeakBytes ?? null,
      memoryLimitBytes: memoryLimitBytes(),
      threads: sample.tasks === undefined ? (sample.threads ?? null) : Math.max(0, sample.tasks - ours),
      processes: cgroup === null ? size(watch.tree()) : Math.max(0, this.#countMembers(cgroup) - ours),
      openFiles: sample.fds ?? null,
      diskReadBytes: sample.ioReadBytes ?? null,
      diskWrittenBytes: sample.ioWriteBytes ?? null,
      networkReceivedBytes: sample.networkReceivedBytes ?? null,
      networkSentBytes: sample.networkSentBytes ?? null,
      custom: {},
    };
  }

  /** One hierarchy is enough: a run is in the same group of each, and cannot make groups below it. */
  #countMembers({ location }: Cgroup): number {
    const folder = location.version === 2 ? location.directory : Object.values(location.directories)[0];
    this.#members ??= KeptFile.open(`${folder}/cgroup.procs`);
    return this.#members.read().split("\n").length - 1;
  }
}

const size = (tree: ProcessTree | undefined): number =>
  tree === undefined ? 0 : 1 + tree.children.reduce((sum, child) => sum + size(child), 0);
