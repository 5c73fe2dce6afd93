import { closeSync, fstatSync, openSync, readdirSync, readlinkSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { HostError } from "../failure.ts";
import { kernelUnits, ticksToUs } from "../proc/clock.ts";
import { KeptFile, readFailure } from "../proc/kept-file.ts";
import { processTree, type ProcessTree } from "../proc/process-list.ts";
import { ProcessReader } from "../proc/process-reader.ts";
import { scanIo, scanNetwork, scanStat, type HotStat, type TwoTotals } from "./hot-tables.ts";
import type { Monitor, MonitorTarget, Sample, Watch } from "./monitor.ts";

/** Watches by kept descriptors of /proc and of the control group: some ten microseconds a sample, nothing disturbed. */
export function linuxMonitor(): Monitor {
  return { platform: "linux", watch: (target) => new LinuxWatch(target) };
}

/** A folder's use changes slowly and costs a path walk: look once in this many samples. */
const samplesPerDataLook = 10;

class LinuxWatch implements Watch {
  readonly target: MonitorTarget;
  readonly #stat: KeptFile;
  readonly #io: KeptFile | undefined;
  readonly #network: KeptFile | undefined;
  readonly #fdDirectory: number | undefined;
  readonly #dataPath: string | undefined;
  readonly #hot: HotStat = { cpuTicks: 0, childrenCpuTicks: 0, threads: 0, rssPages: 0 };
  readonly #totals: TwoTotals = { first: 0, second: 0 };
  #samples = 0;
  #last: { readonly atMs: number; readonly cpuTimeUs: number } | undefined;
  #data: { readonly dataUsedBytes: number; readonly dataTotalBytes: number } | undefined;

  constructor(target: MonitorTarget) {
    this.target = target;
    const { pid } = target.process;
    this.#stat = KeptFile.open(`/proc/${pid}/stat`);
    try {
      this.#checkIdentity();
      this.#io = KeptFile.openIfPresent(`/proc/${pid}/io`);
      this.#network = openOwnNetwork(target.networkPid ?? pid);
      this.#fdDirectory = openFdDirectory(pid);
      // Opened by pid after the check: if the process ended in between, its kept stat says so now.
      this.#checkIdentity();
      this.#dataPath = target.dataPath !== undefined && isOwnFilesystem(target.dataPath) ? target.dataPath : undefined;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  sample(): Sample | undefined {
    try {
      return this.#sample();
    } catch (error) {
      if (error instanceof HostError && error.code === "process-gone") return undefined;
      throw error;
    }
  }

  tree(): ProcessTree | undefined {
    return processTree(this.target.process.pid);
  }

  close(): void {
    this.#stat.close();
    this.#io?.close();
    this.#network?.close();
    if (this.#fdDirectory !== undefined && this.#samples >= 0) closeSync(this.#fdDirectory);
    this.#samples = Number.NEGATIVE_INFINITY;
  }

  #sample(): Sample | undefined {
    const bytes = this.#stat.readShared();
    if (!scanStat(bytes, this.#hot) || isEnded(bytes)) return undefined;
    const atMs = performance.now();
    const { cpuTicks, childrenCpuTicks, threads, rssPages } = this.#hot;
    const gauge = this.target.cgroup?.gauge;
    const ofGroupUs = gauge?.cpuTimeUs();
    const cpuTimeUs = ofGroupUs ?? ticksToUs(cpuTicks + childrenCpuTicks);
    const last = this.#last;
    this.#last = { atMs, cpuTimeUs };

    const sample: { -readonly [K in keyof Sample]: Sample[K] } = {
      atMs,
      cpuSource: ofGroupUs === undefined ? "process" : "cgroup",
      cpuTimeUs,
      memoryRssBytes: rssPages * kernelUnits().pageBytes,
      threads,
    };
    if (last !== undefined && atMs > last.atMs)
      sample.cpuPercent = Math.max(0, (cpuTimeUs - last.cpuTimeUs) / ((atMs - last.atMs) * 10));
    if (gauge !== undefined) {
      setIfKnown(sample, "memoryCurrentBytes", gauge.memoryCurrentBytes());
      setIfKnown(sample, "memoryPeakBytes", gauge.memoryPeakBytes());
      setIfKnown(sample, "tasks", gauge.pidsCurrent());
      setIfKnown(sample, "oomKills", gauge.oomKills());
    }
    this.#addIo(sample);
    if (this.#network !== undefined) {
      scanNetwork(this.#network.readShared(), this.#totals);
      sample.networkReceivedBytes = this.#totals.first;
      sample.networkSentBytes = this.#totals.second;
    }
    setIfKnown(sample, "fds", this.#countFds());
    if (this.#dataPath !== undefined) {
      if (this.#samples % samplesPerDataLook === 0) this.#data = useOf(this.#dataPath);
      Object.assign(sample, this.#data);
    }
    this.#samples++;
    return sample;
  }

  #addIo(sample: { ioReadBytes?: number; ioWriteBytes?: number }): void {
    const ofGroup = this.target.cgroup?.gauge.io();
    if (this.#io === undefined && ofGroup === undefined) return;
    this.#totals.first = 0;
    this.#totals.second = 0;
    if (this.#io !== undefined) scanIo(this.#io.readShared(), this.#totals);
    sample.ioReadBytes = Math.max(this.#totals.first, ofGroup?.readBytes ?? 0);
    sample.ioWriteBytes = Math.max(this.#totals.second, ofGroup?.writeBytes ?? 0);
  }

  #countFds(): number | undefined {
    if (this.#fdDirectory === undefined) return undefined;
    try {
      const counted = fstatSync(this.#fdDirectory).size;
      // Before Linux 6.2 the directory has no size and must be read.
      return counted > 0 ? counted : readdirSync(`/proc/self/fd/${this.#fdDirectory}`).length;
    } catch (error) {
      throw readFailure(`/proc/${this.target.process.pid}/fd`, error);
    }
  }

  #checkIdentity(): void {
    const { pid, startTicks } = this.target.process;
    const reader = ProcessReader.open(pid);
    try {
      this.#stat.readShared();
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

function setIfKnown<T extends object, K extends keyof T>(into: T, key: K, value: T[K] | undefined): void {
  if (value !== undefined) into[key] = value;
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

function openFdDirectory(pid: number): number | undefined {
  try {
    return openSync(`/proc/${pid}/fd`, "r");
  } catch {
    return undefined;
  }
}

function isOwnFilesystem(path: string): boolean {
  const here = statSync(path, { throwIfNoEntry: false });
  const above = statSync(dirname(path), { throwIfNoEntry: false });
  return here !== undefined && above !== undefined && here.dev !== above.dev;
}

function useOf(path: string): { readonly dataUsedBytes: number; readonly dataTotalBytes: number } | undefined {
  try {
    const { bsize, blocks, bfree } = statfsSync(path);
    return { dataUsedBytes: (blocks - bfree) * bsize, dataTotalBytes: blocks * bsize };
  } catch {
    return undefined;
  }
}
