import type { CgroupCounters, CgroupEvents, CgroupGauge } from "../cgroup.ts";
import { LazyFiles } from "../lazy-files.ts";
import { numberAfter, present } from "../counter-text.ts";
import { parseKeyValues } from "../../proc/key-values.ts";
import type { V1Directories } from "./limit-steps-v1.ts";

/** Readings of one v1 group on kept descriptors. */
export class V1Gauge implements CgroupGauge {
  readonly #files = new LazyFiles();
  readonly #directories: V1Directories;

  constructor(directories: V1Directories) {
    this.#directories = directories;
  }

  cpuTimeUs(): number | undefined {
    const nanoseconds = this.#unsigned("cpuacct", "cpuacct.usage");
    return nanoseconds === undefined ? undefined : Math.round(nanoseconds / 1000);
  }

  memoryCurrentBytes(): number | undefined {
    return this.#unsigned("memory", "memory.usage_in_bytes");
  }

  memoryPeakBytes(): number | undefined {
    return this.#unsigned("memory", "memory.max_usage_in_bytes");
  }

  pidsCurrent(): number | undefined {
    return this.#unsigned("pids", "pids.current");
  }

  oomKills(): number | undefined {
    const text = this.#text("memory", "memory.oom_control");
    return text === undefined ? undefined : numberAfter(text, "oom_kill ");
  }

  io(): { readonly readBytes: number; readonly writeBytes: number } | undefined {
    const text = this.#text("blkio", "blkio.throttle.io_service_bytes_recursive");
    return text === undefined ? undefined : sumReadWrite(text);
  }

  counters(): CgroupCounters {
    const cpu = parseKeyValues(this.#text("cpu", "cpu.stat") ?? "");
    const memory = parseKeyValues(this.#text("memory", "memory.stat") ?? "");
    const bytes = this.io();
    const operations = sumReadWrite(this.#text("blkio", "blkio.throttle.io_serviced_recursive") ?? "");
    const throttledNs = cpu.get("throttled_time");
    return present({
      cpuTimeUs: this.cpuTimeUs(),
      cpuThrottledUs: throttledNs === undefined ? undefined : Math.round(throttledNs / 1000),
      cpuThrottledPeriods: cpu.get("nr_throttled"),
      memoryCurrentBytes: this.memoryCurrentBytes(),
      memoryPeakBytes: this.memoryPeakBytes(),
      memoryInactiveFileBytes: memory.get("total_inactive_file"),
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

/** Sums the "major:minor Read n" and "major:minor Write n" rows of a blkio table over all devices. */
export function sumReadWrite(text: string): { readonly readBytes: number; readonly writeBytes: number } {
  let readBytes = 0;
  let writeBytes = 0;
  if (text.length < 12) return { readBytes, writeBytes };
  for (const match of text.matchAll(/^\d+:\d+ (Read|Write) (\d{1,20})$/gm)) {
    if (match[1] === "Read") readBytes += Number(match[2]);
    else writeBytes += Number(match[2]);
  }
  return { readBytes, writeBytes };
}
