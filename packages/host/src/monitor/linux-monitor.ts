import { closeSync, fstatSync, openSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import type { CgroupGauge } from "../cgroup/cgroup.ts";
import { HostError } from "../failure.ts";
import { kernelUnits, ticksToUs } from "../proc/clock.ts";
import { KeptFile, readFailure } from "../proc/kept-file.ts";
import { processTree, type ProcessTree } from "../proc/process-list.ts";
import { ProcessReader } from "../proc/process-reader.ts";
import { isOwnFilesystem, useOf, type DataUse } from "./data-use.ts";
import { scanIo, scanNetwork, scanResident, scanStat, type HotStat, type TwoTotals } from "./hot-tables.ts";
import type { Monitor, MonitorTarget, Sample, Watch } from "./monitor.ts";
import { everything, samplesPerDataLook, turns, type Turn } from "./turns.ts";

/** Watches by kept descriptors of /proc and of the control group: some ten microseconds a sample, nothing disturbed. */
export function linuxMonitor(): Monitor {
  return { platform: "linux", watch: (target) => new LinuxWatch(target) };
}

class LinuxWatch implements Watch {
  readonly target: MonitorTarget;
  /** Needed where no group tells CPU time, and to tell a process that has ended from one without memory. */
  #stat: KeptFile | undefined;
  readonly #statm: KeptFile;
  /** Has as many links as the process has threads, and two: a third of the cost of its stat line. */
  readonly #threadDirectory: number | undefined;
  readonly #io: KeptFile | undefined;
  readonly #network: KeptFile | undefined;
  readonly #fdDirectory: number | undefined;
  readonly #dataPath: string | undefined;
  readonly #hot: HotStat = { cpuTicks: 0, childrenCpuTicks: 0, threads: 0, rssPages: 0 };
  readonly #totals: TwoTotals = { first: 0, second: 0 };
  #samples = 0;
  #last: Sample | undefined;
  readonly #pageBytes = kernelUnits().pageBytes;
  // What a look leaves out is told as it was when last read.
  #groupCpuUs: number | undefined;
  #memoryBytes: number | undefined;
  #peakBytes: number | undefined;
  #tasks: number | undefined;
  #oomKills: number | undefined;
  #fds: number | undefined;
  #ioReadBytes: number | undefined;
  #ioWriteBytes: number | undefined;
  #receivedBytes: number | undefined;
  #sentBytes: number | undefined;
  #data: DataUse | undefined;

  constructor(target: MonitorTarget) {
    this.target = target;
    const { pid } = target.process;
    const stat = KeptFile.open(`/proc/${pid}/stat`);
    this.#stat = stat;
    try {
      this.#statm = KeptFile.open(`/proc/${pid}/statm`);
      this.#checkIdentity(stat);
      this.#io = KeptFile.openIfPresent(`/proc/${pid}/io`);
      this.#network = openOwnNetwork(target.networkPid ?? pid);
      this.#fdDirectory = openDirectory(`/proc/${pid}/fd`);
      if (target.cgroup?.gauge.cpuTimeUs() !== undefined) this.#threadDirectory = openDirectory(`/proc/${pid}/task`);
      // Opened by pid after the check: if the process ended in between, its kept stat says so now.
      this.#checkIdentity(stat);
      if (this.#threadDirectory !== undefined) this.#closeStat();
      this.#dataPath = target.dataPath !== undefined && isOwnFilesystem(target.dataPath) ? target.dataPath : undefined;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  sample(): Sample | undefined {
    return this.#look(everything);
  }

  sampleInTurn(): Sample | undefined {
    return this.#look(this.#last === undefined ? everything : (turns[this.#samples % turns.length] as Turn));
  }

  tree(): ProcessTree | undefined {
    return processTree(this.target.process.pid);
  }

  close(): void {
    this.#closeStat();
    this.#statm?.close();
    this.#io?.close();
    this.#network?.close();
    if (this.#samples >= 0)
      for (const directory of [this.#fdDirectory, this.#threadDirectory])
        if (directory !== undefined) closeSync(directory);
    this.#samples = Number.NEGATIVE_INFINITY;
  }

  #look(turn: Turn): Sample | undefined {
    try {
      if (!this.#readTables(turn)) return undefined;
    } catch (error) {
      if (error instanceof HostError && error.code === "process-gone") return undefined;
      throw error;
    }
    const { cpuTicks, childrenCpuTicks, threads, rssPages } = this.#hot;
    const ofGroupUs = this.#groupCpuUs;
    const cpuTimeUs = ofGroupUs ?? ticksToUs(cpuTicks + childrenCpuTicks);
    const atMs = performance.now();
    const last = this.#last;
    // Always the same fields in the same order: a thousand of these are made each second.
    const sample: Sample = {
      atMs,
      cpuSource: ofGroupUs === undefined ? "process" : "cgroup",
      cpuTimeUs,
      cpuPercent:
        last !== undefined && atMs > last.atMs
          ? Math.max(0, (cpuTimeUs - last.cpuTimeUs) / ((atMs - last.atMs) * 10))
          : undefined,
      memoryRssBytes: rssPages * this.#pageBytes,
      memoryCurrentBytes: this.#memoryBytes,
      memoryPeakBytes: this.#peakBytes,
      tasks: this.#tasks,
      threads,
      fds: this.#fds,
      ioReadBytes: this.#ioReadBytes,
      ioWriteBytes: this.#ioWriteBytes,
      networkReceivedBytes: this.#receivedBytes,
      networkSentBytes: this.#sentBytes,
      oomKills: this.#oomKills,
      dataUsedBytes: this.#data?.usedBytes,
      dataTotalBytes: this.#data?.totalBytes,
    };
    this.#samples++;
    this.#last = sample;
    return sample;
  }

  /** Reads the tables of a turn into the fields; false when the process has ended. */
  #readTables(turn: Turn): boolean {
    const gauge = this.target.cgroup?.gauge;
    this.#groupCpuUs = gauge?.cpuTimeUs();
    // Without a group only the stat line tells CPU time.
    if (this.#groupCpuUs === undefined || this.#threadDirectory === undefined) {
      if (!this.#readStat()) return false;
    } else {
      if (turn.resident && !this.#readResident()) return false;
      if (turn.threads) this.#hot.threads = this.#statOf(this.#threadDirectory, "task").nlink - 2;
    }
    if (gauge !== undefined) this.#readGroup(gauge, turn);
    if (turn.io) this.#readIo(gauge);
    if (turn.fds) this.#fds = this.#countFds();
    if (this.#dataPath !== undefined && this.#samples % samplesPerDataLook === 0) this.#data = useOf(this.#dataPath);
    return true;
  }

  #readGroup(gauge: CgroupGauge, turn: Turn): void {
    const memoryBytes = gauge.memoryCurrentBytes();
    if (turn.peak) this.#peakBytes = gauge.memoryPeakBytes();
    if (memoryBytes !== undefined && this.#peakBytes !== undefined && memoryBytes > this.#peakBytes)
      this.#peakBytes = memoryBytes;
    this.#memoryBytes = memoryBytes;
    if (turn.tasks) this.#tasks = gauge.pidsCurrent();
    if (turn.oom) this.#oomKills = gauge.oomKills();
  }

  #readStat(): boolean {
    // By the directory, which stays that of this process: its pid may be another's by now.
    this.#stat ??= KeptFile.open(`/proc/self/fd/${this.#threadDirectory}/../stat`);
    const bytes = this.#stat.readShared();
    return scanStat(bytes, this.#hot) && !isEnded(bytes);
  }

  /** Resident pages alone; a zombie has none, and a kernel that says none is asked for the state. */
  #readResident(): boolean {
    const pages = scanResident(this.#statm.readShared());
    if (pages === 0) return this.#readStat();
    this.#hot.rssPages = pages;
    return true;
  }

  #readIo(gauge: CgroupGauge | undefined): void {
    const ofGroup = gauge?.io();
    const totals = this.#totals;
    if (this.#io !== undefined || ofGroup !== undefined) {
      totals.first = 0;
      totals.second = 0;
      if (this.#io !== undefined) scanIo(this.#io.readShared(), totals);
      this.#ioReadBytes = Math.max(totals.first, ofGroup?.readBytes ?? 0);
      this.#ioWriteBytes = Math.max(totals.second, ofGroup?.writeBytes ?? 0);
    }
    if (this.#network === undefined) return;
    scanNetwork(this.#network.readShared(), totals);
    this.#receivedBytes = totals.first;
    this.#sentBytes = totals.second;
  }

  #countFds(): number | undefined {
    if (this.#fdDirectory === undefined) return undefined;
    const counted = this.#statOf(this.#fdDirectory, "fd").size;
    // Before Linux 6.2 the directory has no size and must be read.
    return counted > 0 ? counted : readdirSync(`/proc/self/fd/${this.#fdDirectory}`).length;
  }

  #statOf(directory: number, name: string): Stats {
    try {
      return fstatSync(directory);
    } catch (error) {
      throw readFailure(`/proc/${this.target.process.pid}/${name}`, error);
    }
  }

  #closeStat(): void {
    this.#stat?.close();
    this.#stat = undefined;
  }

  #checkIdentity(stat: KeptFile): void {
    const { pid, startTicks } = this.target.process;
    const reader = ProcessReader.open(pid);
    try {
      stat.readShared();
      if (reader.identity.startTicks === startTicks) return;
    } finally {
      reader.close();
    }
    throw new HostError("process-gone", `Cannot watch pid ${pid}: it has another start time, so its process has ended`);
  }
}

/** The state letter follows the command; a zombie's numbers are those of nothing. */
function isEnded(bytes: Uint8Array): boolean {
  const state = bytes[bytes.lastIndexOf(41) + 2];
  return state === 90 || state === 88;
}

/** The network table of a process in a network namespace that is not ours; sharing ours would count everybody's bytes. */
function openOwnNetwork(pid: number): KeptFile | undefined {
  try {
    if (readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync("/proc/self/ns/net")) return undefined;
  } catch {
    return undefined;
  }
  return KeptFile.openIfPresent(`/proc/${pid}/net/dev`);
}

function openDirectory(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined;
  }
}
