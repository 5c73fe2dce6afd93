import {
  type Cgroup,
  KeptFile,
  openMonitor,
  type ProcessIdentity,
  type ProcessTree,
  type Sample,
  type Watch,
} from "@constellation/host";
import type { Look, Reading } from "../driver/reading.ts";

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

/**
 * The kernel makes the list of a group's processes anew for each reader: as costly as everything else together. It is read
 * when the number of tasks has changed, and now and then if anything ran: a thread may have ended while a process began.
 */
const looksPerCount = 16;
const none = Object.freeze({});
const methods = { whole: "sample", "in-turn": "sampleInTurn", usage: "sampleUsage" } as const satisfies Record<
  Look,
  keyof Watch
>;

/** Reads the counters of one run, all on kept descriptors. */
export class RunReader {
  readonly #options: RunReaderOptions;
  #watch: Watch | null = null;
  #members: KeptFile | null = null;
  #sinceCount = 0;
  /** What the sample said when the processes were last counted. */
  #counted: Pick<Sample, "tasks" | "cpuTimeUs"> | null = null;
  #processes = 0;

  constructor(options: RunReaderOptions) {
    this.#options = options;
  }

  /** `null` when its main process has ended. @param custom numbers that the program pushed */
  read(look: Look, custom: Reading["custom"] = none): Reading | null {
    try {
      const watch = (this.#watch ??= this.#open());
      const sample = watch[methods[look]]();
      return sample === undefined ? null : this.#reading(sample, watch, custom);
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

  #reading(sample: Sample, watch: Watch, custom: Reading["custom"]): Reading {
    const { cgroup, memoryLimitBytes, ownPids } = this.#options;
    const ours = cgroup !== null && ownPids ? 1 : 0;
    if (this.#isToCount(sample)) {
      this.#sinceCount = 0;
      this.#counted = sample;
      this.#processes = cgroup === null ? size(watch.tree()) : Math.max(0, this.#countMembers(cgroup) - ours);
    }
    return {
      cpuTimeUs: sample.cpuTimeUs,
      memoryBytes: sample.memoryCurrentBytes ?? sample.memoryRssBytes,
      memoryRssBytes: sample.memoryRssBytes,
      memoryPeakBytes: sample.memoryPeakBytes ?? null,
      memoryLimitBytes: memoryLimitBytes(),
      oomKills: sample.oomKills ?? null,
      threads: sample.tasks === undefined ? (sample.threads ?? null) : Math.max(0, sample.tasks - ours),
      processes: this.#processes,
      openFiles: sample.fds ?? null,
      countersAtMs: sample.countersAtMs,
      diskReadBytes: sample.ioReadBytes ?? null,
      diskWrittenBytes: sample.ioWriteBytes ?? null,
      networkReceivedBytes: sample.networkReceivedBytes ?? null,
      networkSentBytes: sample.networkSentBytes ?? null,
      custom,
    };
  }

  #isToCount({ tasks, cpuSource, cpuTimeUs }: Sample): boolean {
    const counted = this.#counted;
    if (counted === null || tasks !== counted.tasks) return true;
    const isAtRest = cpuSource === "cgroup" && cpuTimeUs === counted.cpuTimeUs;
    return ++this.#sinceCount > looksPerCount && !isAtRest;
  }

  /** One hierarchy is enough: a run is in the same group of each, and cannot make groups below it. */
  #countMembers({ location }: Cgroup): number {
    const folder = location.version === 2 ? location.directory : Object.values(location.directories)[0];
    this.#members ??= KeptFile.open(`${folder}/cgroup.procs`);
    const lines = this.#members.readShared();
    let count = 0;
    for (let at = lines.indexOf(10); at >= 0; at = lines.indexOf(10, at + 1)) count += 1;
    return count;
  }
}

const size = (tree: ProcessTree | undefined): number =>
  tree === undefined ? 0 : 1 + tree.children.reduce((sum, child) => sum + size(child), 0);
