import type { CgroupCounters, CgroupEvents, CgroupGauge } from "../cgroup.ts";
import { sumReadWrite } from "../io-tables.ts";
import { LazyFile } from "../lazy-file.ts";
import { LazyFiles } from "../lazy-files.ts";
import { numberAfter, present } from "../counter-text.ts";
import { parseKeyValues } from "../../proc/key-values.ts";
import { Parsed } from "../../proc/parsed.ts";
import type { V1Directories } from "./limit-steps-v1.ts";

/** Readings of one v1 group on kept descriptors. */
export class V1Gauge implements CgroupGauge {
  readonly #files = new LazyFiles();
  readonly #oomKills = new Parsed((table) => numberAfter(table, "oom_kill "));
  readonly #ioTotals = new Parsed(sumReadWrite);
  readonly #directories: V1Directories;
  readonly #cpuUsage: LazyFile;
  readonly #memoryUsage: LazyFile;
  readonly #memoryPeak: LazyFile;
  readonly #memoryStat: LazyFile;
  readonly #oomControl: LazyFile;
  readonly #pids: LazyFile;
  readonly #ioBytes: LazyFile;

  constructor(directories: V1Directories) {
    this.#directories = directories;
    this.#cpuUsage = lazy(directories["cpuacct"], "cpuacct.usage");
    this.#memoryUsage = lazy(directories["memory"], "memory.usage_in_bytes");
    this.#memoryPeak = lazy(directories["memory"], "memory.max_usage_in_bytes");
    this.#memoryStat = lazy(directories["memory"], "memory.stat");
    this.#oomControl = lazy(directories["memory"], "memory.oom_control");
    this.#pids = lazy(directories["pids"], "pids.current");
    this.#ioBytes = lazy(directories["blkio"], "blkio.throttle.io_service_bytes_recursive");
  }

  cpuTimeUs(): number | undefined {
    const nanoseconds = this.#cpuUsage.unsigned();
    return nanoseconds === undefined ? undefined : Math.round(nanoseconds / 1000);
  }

  memoryCurrentBytes(): number | undefined {
    return this.#memoryUsage.unsigned();
  }

  memoryPeakBytes(): number | undefined {
    return this.#memoryPeak.unsigned();
  }

  memoryInactiveFileBytes(): number | undefined {
    const table = this.#memoryStat.text();
    return table === undefined ? undefined : numberAfter(table, "total_inactive_file ");
  }

  pidsCurrent(): number | undefined {
    return this.#pids.unsigned();
  }

  oomKills(): number | undefined {
    const table = this.#oomControl.text();
    return table === undefined ? undefined : this.#oomKills.from(table);
  }

  io(): { readonly readBytes: number; readonly writeBytes: number } | undefined {
    const table = this.#ioBytes.text();
    return table === undefined ? undefined : this.#ioTotals.from(table);
  }

  counters(): CgroupCounters {
    const cpu = parseKeyValues(this.#text("cpu", "cpu.stat") ?? "");
    const bytes = this.io();
    const operations = sumReadWrite(this.#text("blkio", "blkio.throttle.io_serviced_recursive") ?? "");
    const throttledNs = cpu.get("throttled_time");
    return present({
      cpuTimeUs: this.cpuTimeUs(),
      cpuThrottledUs: throttledNs === undefined ? undefined : Math.round(throttledNs / 1000),
      cpuThrottledPeriods: cpu.get("nr_throttled"),
      memoryCurrentBytes: this.memoryCurrentBytes(),
      memoryPeakBytes: this.memoryPeakBytes(),
      memoryInactiveFileBytes: this.memoryInactiveFileBytes(),
      pidsCurrent: this.pidsCurrent(),
      ioReadBytes: bytes?.readBytes,
      ioWriteBytes: bytes?.writeBytes,
      ioReadOps: operations.readBytes,
      ioWriteOps: operations.writeBytes,
    });
  }

  events(): CgroupEvents {
    const peak = this.memoryPeakBytes();
    return {
      oomKills: this.oomKills() ?? 0,
      pidsMaxHits: numberAfter(this.#text("pids", "pids.events") ?? "", "max ") ?? 0,
      memoryMaxHits: this.#unsigned("memory", "memory.failcnt") ?? 0,
      ...(peak === undefined ? {} : { memoryPeakBytes: peak }),
    };
  }

  close(): void {
    this.#files.close();
    for (const each of [
      this.#cpuUsage,
      this.#memoryUsage,
      this.#memoryPeak,
      this.#memoryStat,
      this.#oomControl,
      this.#pids,
      this.#ioBytes,
    ])
      each.close();
  }

  #unsigned(controller: string, file: string): number | undefined {
    const directory = this.#directories[controller];
    return directory === undefined ? undefined : this.#files.unsigned(`${directory}/${file}`);
  }

  #text(controller: string, file: string): string | undefined {
    const directory = this.#directories[controller];
    return directory === undefined ? undefined : this.#files.text(`${directory}/${file}`);
  }
}

function lazy(directory: string | undefined, file: string): LazyFile {
  return new LazyFile(directory === undefined ? undefined : `${directory}/${file}`);
}
