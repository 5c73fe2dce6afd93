import type { CgroupCounters, CgroupEvents, CgroupGauge } from "../cgroup.ts";
import { sumIoStat } from "../io-tables.ts";
import { LazyFile } from "../lazy-file.ts";
import { LazyFiles } from "../lazy-files.ts";
import { parseKeyValues } from "../../proc/key-values.ts";
import { Parsed } from "../../proc/parsed.ts";
import { numberAfter, present } from "../counter-text.ts";

/** Readings of one v2 group on kept descriptors. */
export class V2Gauge implements CgroupGauge {
  readonly #files = new LazyFiles();
  readonly #oomKills = new Parsed((table) => numberAfter(table, "oom_kill "));
  readonly #ioTotals = new Parsed(sumIoStat);
  readonly #directory: string;
  readonly #cpuStat: LazyFile;
  readonly #memoryCurrent: LazyFile;
  readonly #memoryPeak: LazyFile;
  readonly #memoryStat: LazyFile;
  readonly #memoryEvents: LazyFile;
  readonly #pids: LazyFile;
  readonly #ioStat: LazyFile;

  constructor(directory: string) {
    this.#directory = directory;
    this.#cpuStat = new LazyFile(`${directory}/cpu.stat`);
    this.#memoryCurrent = new LazyFile(`${directory}/memory.current`);
    this.#memoryPeak = new LazyFile(`${directory}/memory.peak`);
    this.#memoryStat = new LazyFile(`${directory}/memory.stat`);
    this.#memoryEvents = new LazyFile(`${directory}/memory.events`);
    this.#pids = new LazyFile(`${directory}/pids.current`);
    this.#ioStat = new LazyFile(`${directory}/io.stat`);
  }

  cpuTimeUs(): number | undefined {
    const table = this.#cpuStat.text();
    return table === undefined ? undefined : numberAfter(table, "usage_usec ");
  }

  memoryCurrentBytes(): number | undefined {
    return this.#memoryCurrent.unsigned();
  }

  memoryPeakBytes(): number | undefined {
    return this.#memoryPeak.unsigned();
  }

  memoryInactiveFileBytes(): number | undefined {
    const table = this.#memoryStat.text();
    return table === undefined ? undefined : numberAfter(table, "inactive_file ");
  }

  pidsCurrent(): number | undefined {
    return this.#pids.unsigned();
  }

  oomKills(): number | undefined {
    const table = this.#memoryEvents.text();
    return table === undefined ? undefined : this.#oomKills.from(table);
  }

  io(): { readonly readBytes: number; readonly writeBytes: number } | undefined {
    const table = this.#ioStat.text();
    return table === undefined ? undefined : this.#ioTotals.from(table);
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
      memoryInactiveFileBytes: this.memoryInactiveFileBytes(),
      pidsCurrent: this.pidsCurrent(),
      ioReadBytes: sums?.readBytes,
      ioWriteBytes: sums?.writeBytes,
      ioReadOps: sums?.readOps,
      ioWriteOps: sums?.writeOps,
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
    for (const each of [
      this.#cpuStat,
      this.#memoryCurrent,
      this.#memoryPeak,
      this.#memoryStat,
      this.#memoryEvents,
      this.#pids,
      this.#ioStat,
    ])
      each.close();
  }
}
