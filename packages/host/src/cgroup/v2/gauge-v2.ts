import type { CgroupCounters, CgroupEvents, CgroupGauge } from "../cgroup.ts";
import { LazyFiles } from "../lazy-files.ts";
import { parseKeyValues } from "../../proc/key-values.ts";
import { numberAfter, present } from "../counter-text.ts";

/** Readings of one v2 group on kept descriptors. */
export class V2Gauge implements CgroupGauge {
  readonly #files = new LazyFiles();
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  cpuTimeUs(): number | undefined {
    const text = this.text("cpu.stat");
    return text === undefined ? undefined : numberAfter(text, "usage_usec ");
  }

  memoryCurrentBytes(): number | undefined {
    return this.#unsigned("memory.current");
  }

  memoryPeakBytes(): number | undefined {
    return this.#unsigned("memory.peak");
  }

  pidsCurrent(): number | undefined {
    return this.#unsigned("pids.current");
  }

  oomKills(): number | undefined {
    const text = this.text("memory.events");
    return text === undefined ? undefined : numberAfter(text, "oom_kill ");
  }

  io(): { readonly readBytes: number; readonly writeBytes: number } | undefined {
    const text = this.text("io.stat");
    if (text === undefined) return undefined;
    const { rbytes, wbytes } = sumIoStat(text);
    return { readBytes: rbytes, writeBytes: wbytes };
  }

  counters(): CgroupCounters {
    const cpu = parseKeyValues(this.text("cpu.stat") ?? "");
    const io = this.text("io.stat");
    const sums = io === undefined ? undefined : sumIoStat(io);
    return present({
      cpuTimeUs: cpu.get("usage_usec"),
      cpuThrottledUs: cpu.get("throttled_usec"),
      cpuThrottledPeriods: cpu.get("nr_throttled"),
      memoryCurrentBytes: this.memoryCurrentBytes(),
      memoryPeakBytes: this.memoryPeakBytes(),
      memoryInactiveFileBytes: numberAfter(this.text("memory.stat") ?? "", "inactive_file "),
      pidsCurrent: this.pidsCurrent(),
      ioReadBytes: sums?.rbytes,
      ioWriteBytes: sums?.wbytes,
      ioReadOps: sums?.rios,
      ioWriteOps: sums?.wios,
    });
  }

  events(): CgroupEvents {
    const memory = this.text("memory.events") ?? "";
    const peak = this.memoryPeakBytes();
    return {
      oomKills: numberAfter(memory, "oom_kill ") ?? 0,
      pidsMaxHits: numberAfter(this.text("pids.events") ?? "", "max ") ?? 0,
      memoryMaxHits: numberAfter(memory, "max ") ?? 0,
      ...(peak === undefined ? {} : { memoryPeakBytes: peak }),
    };
  }

  text(file: string): string | undefined {
    return this.#files.text(`${this.#directory}/${file}`);
  }

  close(): void {
    this.#files.close();
  }

  #unsigned(file: string): number | undefined {
    return this.#files.unsigned(`${this.#directory}/${file}`);
  }
}

type IoSums = Record<"rbytes" | "wbytes" | "rios" | "wios", number>;

/** Sums an io.stat table over all devices. */
export function sumIoStat(text: string): IoSums {
  const sums: IoSums = { rbytes: 0, wbytes: 0, rios: 0, wios: 0 };
  for (const match of text.matchAll(/\b(rbytes|wbytes|rios|wios)=(\d{1,20})\b/g))
    sums[match[1] as keyof IoSums] += Number(match[2]);
  return sums;
}
