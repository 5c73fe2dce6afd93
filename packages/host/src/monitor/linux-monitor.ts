import { closeSync, fstatSync, openSync, readlinkSync, type Stats } from "node:fs";
import type { CgroupGauge } from "../cgroup/cgroup.ts";
import { HostError } from "../failure.ts";
import { kernelUnits, ticksToUs } from "../proc/clock.ts";
import { countNames } from "../proc/count-names.ts";
import { KeptFile, readFailure } from "../proc/kept-file.ts";
import { Parsed } from "../proc/parsed.ts";
import { processTree, type ProcessTree } from "../proc/process-list.ts";
import { ProcessReader } from "../proc/process-reader.ts";
import { isOwnFilesystem, useOf, type DataUse } from "./data-use.ts";
import { type HotStat, parseIo, parseNetwork, scanStat } from "./hot-tables.ts";
import type { Monitor, MonitorTarget, Sample, Watch } from "./monitor.ts";
import { everything, looksAtRest, samplesPerDataLook, turnOf, type Turn, usage } from "./turns.ts";

/** Watches by kept descriptors of /proc and of the control group: some ten microseconds a sample, nothing disturbed. */
export function linuxMonitor(): Monitor {
  return { platform: "linux", watch: (target) => new LinuxWatch(target) };
}

/** A program can have half a million, and to read them takes seconds; so many take some 15 ms. */
const mostCountedFds = 4096;

let watches = 0;

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
  readonly #ownIo = new Parsed(parseIo);
  readonly #traffic = new Parsed(parseNetwork);
  #samples = 0;
  #hasEnded = false;
  /** Watches that are read together have different turns, so that one round costs as much as another. */
  readonly #firstTurn = watches++;
  // Of the sample before, if there was one.
  #lastAtMs = 0;
  #lastCpuTimeUs = 0;
  /** Whole looks since the group's CPU time or memory in use last changed. */
  #atRest = 0;
  readonly #pageBytes = kernelUnits().pageBytes;
  // What a look leaves out is told as it was when last read.
  #groupCpuUs: number | undefined;
  #memoryBytes: number | undefined;
  #peakBytes: number | undefined;
  #tasks: number | undefined;
  #oomKills: number | undefined;
  #fds: number | undefined;
  #ownBytes = { readBytes: 0, writeBytes: 0 };
  #countersAtMs = 0;
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
    return this.#look(this.#samples === 0 ? everything : null);
  }

  sampleUsage(): Sample | undefined {
    return this.#look(this.#samples === 0 ? everything : usage);
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

  /** @param chosen what it reads; null for those whose turn it is */
  #look(chosen: Turn | null): Sample | undefined {
    const atMs = performance.now();
    try {
      this.#hasEnded ||= !this.#readTables(chosen, atMs);
      if (this.#hasEnded) return undefined;
    } catch (error) {
      if (!(error instanceof HostError) || error.code !== "process-gone") throw error;
      this.#hasEnded = true;
      return undefined;
    }
    const { cpuTicks, childrenCpuTicks, threads, rssPages } = this.#hot;
    const ofGroupUs = this.#groupCpuUs;
    const cpuTimeUs = ofGroupUs ?? ticksToUs(cpuTicks + childrenCpuTicks);
    // Always the same fields in the same order: a thousand of these are made each second.
    const sample: Sample = {
      atMs,
      cpuSource: ofGroupUs === undefined ? "process" : "cgroup",
      cpuTimeUs,
      cpuPercent:
        this.#samples > 0 && atMs > this.#lastAtMs
          ? Math.max(0, (cpuTimeUs - this.#lastCpuTimeUs) / ((atMs - this.#lastAtMs) * 10))
          : undefined,
      memoryRssBytes: rssPages * this.#pageBytes,
      memoryCurrentBytes: this.#memoryBytes,
      memoryPeakBytes: this.#peakBytes,
      tasks: this.#tasks,
      threads,
      fds: this.#fds,
      countersAtMs: this.#countersAtMs,
      ioReadBytes: this.#ioReadBytes,
      ioWriteBytes: this.#ioWriteBytes,
      networkReceivedBytes: this.#receivedBytes,
      networkSentBytes: this.#sentBytes,
      oomKills: this.#oomKills,
      dataUsedBytes: this.#data?.usedBytes,
      dataTotalBytes: this.#data?.totalBytes,
    };
    if (chosen !== usage) this.#samples++;
    this.#lastAtMs = atMs;
    this.#lastCpuTimeUs = cpuTimeUs;
    return sample;
  }

  /** Reads all tables, or those whose turn it is, into the fields; false when the process has ended. */
  #readTables(chosen: Turn | null, atMs: number): boolean {
    const gauge = this.target.cgroup?.gauge;
    const groupCpuUs = gauge?.cpuTimeUs();
    const memoryBytes = gauge?.memoryCurrentBytes();
    if (groupCpuUs === undefined || groupCpuUs !== this.#groupCpuUs || memoryBytes !== this.#memoryBytes)
      this.#atRest = 0;
    this.#groupCpuUs = groupCpuUs;
    this.#memoryBytes = memoryBytes;
    const turn = chosen ?? turnOf(this.#firstTurn + this.#samples, this.#atRest);
    // Without a group only the stat line tells CPU time.
    if (groupCpuUs === undefined || this.#threadDirectory === undefined) {
      if (!this.#readStat()) return false;
    } else {
      if (turn.resident && !this.#readResident()) return false;
      if (turn.threads) this.#hot.threads = this.#statOf(this.#threadDirectory, "task").nlink - 2;
    }
    if (gauge !== undefined) this.#readGroup(gauge, turn);
    if (turn.ownIo && this.#io !== undefined) this.#ownBytes = this.#ownIo.from(this.#io.read());
    if (turn.devices) {
      this.#readDevices(gauge);
      this.#countersAtMs = atMs;
    }
    if (turn.fds) this.#fds = this.#countFds();
    if (this.#dataPath !== undefined && this.#samples % samplesPerDataLook === 0) this.#data = useOf(this.#dataPath);
    if (chosen !== usage) this.#atRest = (this.#atRest + 1) % looksAtRest;
    return true;
  }

  #readGroup(gauge: CgroupGauge, turn: Turn): void {
    if (turn.peak) this.#peakBytes = gauge.memoryPeakBytes();
    // Memory in use may have been higher since the peak was read.
    if (this.#memoryBytes !== undefined && this.#peakBytes !== undefined && this.#memoryBytes > this.#peakBytes)
      this.#peakBytes = this.#memoryBytes;
    if (turn.tasks) this.#tasks = gauge.pidsCurrent();
    if (turn.oom) this.#oomKills = gauge.oomKills();
  }

  #readStat(): boolean {
    // By the directory, which stays that of this process: its pid may be another's by now.
    this.#stat ??= KeptFile.open(`/proc/self/fd/${this.#threadDirectory}/../stat`);
    const line = this.#stat.read();
    return scanStat(line, this.#hot) && !isEnded(line);
  }

  /** Resident pages alone; a zombie has none, and a kernel that says none is asked for the state. */
  #readResident(): boolean {
    const pages = this.#statm.readUnsigned(1) ?? 0;
    if (pages === 0) return this.#readStat();
    this.#hot.rssPages = pages;
    return true;
  }

  #readDevices(gauge: CgroupGauge | undefined): void {
    const ofGroup = gauge?.io();
    if (this.#io !== undefined || ofGroup !== undefined) {
      this.#ioReadBytes = Math.max(this.#ownBytes.readBytes, ofGroup?.readBytes ?? 0);
      this.#ioWriteBytes = Math.max(this.#ownBytes.writeBytes, ofGroup?.writeBytes ?? 0);
    }
    if (this.#network === undefined) return;
    const { receivedBytes, sentBytes } = this.#traffic.from(this.#network.read());
    this.#receivedBytes = receivedBytes;
    this.#sentBytes = sentBytes;
  }

  #countFds(): number | undefined {
    if (this.#fdDirectory === undefined) return undefined;
    const counted = this.#statOf(this.#fdDirectory, "fd").size;
    // Before Linux 6.2 the directory has no size and must be read.
    return counted > 0 ? counted : countNames(`/proc/self/fd/${this.#fdDirectory}`, mostCountedFds);
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
      stat.read();
      if (reader.identity.startTicks === startTicks) return;
    } finally {
      reader.close();
    }
    throw new HostError("process-gone", `Cannot watch pid ${pid}: it has another start time, so its process has ended`);
  }
}

/** The state letter follows the command; a zombie's numbers are those of nothing. */
function isEnded(line: string): boolean {
  const state = line[line.lastIndexOf(")") + 2];
  return state === "Z" || state === "X";
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
