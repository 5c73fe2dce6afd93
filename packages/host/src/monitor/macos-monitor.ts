import { HostError } from "../failure.ts";
import type { ProcessTree } from "../proc/process-list.ts";
import type { Monitor, MonitorTarget, Sample, Watch } from "./monitor.ts";
import { PsTable, type PsRow } from "../proc/ps-table.ts";

/**
 * Watches by `ps`: CPU and memory of the tree below the main process, as far as it did not detach. All watches share
 * one run of `ps`, so a sample may be half a second old. Threads, descriptors, I/O and network are not told.
 * A process identity is the pid and the start time in seconds since the epoch.
 */
export function macosMonitor(table = new PsTable()): Monitor {
  return { platform: "darwin", watch: (target) => new PsWatch(target, table) };
}

const notTold = {
  memoryCurrentBytes: undefined,
  memoryPeakBytes: undefined,
  threads: undefined,
  fds: undefined,
  ioReadBytes: undefined,
  ioWriteBytes: undefined,
  networkReceivedBytes: undefined,
  networkSentBytes: undefined,
  oomKills: undefined,
  dataUsedBytes: undefined,
  dataTotalBytes: undefined,
};

class PsWatch implements Watch {
  readonly target: MonitorTarget;
  readonly #table: PsTable;
  #last: { readonly atMs: number; readonly cpuTimeUs: number; readonly cpuPercent?: number } | undefined;

  constructor(target: MonitorTarget, table: PsTable) {
    this.target = target;
    this.#table = table;
    table.refreshNow();
    if (this.#main() === undefined)
      throw new HostError(
        "process-gone",
        `Cannot watch pid ${target.process.pid}: ps does not list it with that start time`,
      );
  }

  sample(): Sample | undefined {
    const main = this.#main();
    if (main === undefined) return undefined;
    const members = treeRows(this.#table.rows(), main);
    const atMs = this.#table.readAtMs;
    const cpuTimeUs = members.reduce((sum, row) => sum + row.cpuTimeUs, 0);
    const last = this.#last;
    if (last === undefined || atMs > last.atMs) {
      const percent =
        last === undefined ? {} : { cpuPercent: Math.max(0, (cpuTimeUs - last.cpuTimeUs) / ((atMs - last.atMs) * 10)) };
      this.#last = { atMs, cpuTimeUs, ...percent };
    }
    return {
      ...notTold,
      atMs,
      cpuSource: "process",
      cpuTimeUs,
      cpuPercent: this.#last?.cpuPercent,
      memoryRssBytes: members.reduce((sum, row) => sum + row.rssBytes, 0),
      tasks: members.length,
      countersAtMs: atMs,
    };
  }

  sampleInTurn(): Sample | undefined {
    return this.sample();
  }

  sampleUsage(): Sample | undefined {
    return this.sample();
  }

  tree(): ProcessTree | undefined {
    const main = this.#main();
    return main === undefined ? undefined : treeOf(this.#table.rows(), main);
  }

  close(): void {}

  #main(): PsRow | undefined {
    const row = this.#table.rows().get(this.target.process.pid);
    if (row === undefined || row.state === "Z") return undefined;
    return row.startedAtSeconds === this.target.process.startTicks ? row : undefined;
  }
}

function treeRows(rows: ReadonlyMap<number, PsRow>, main: PsRow): PsRow[] {
  const members = [main];
  const seen = new Set([main.pid]);
  for (let index = 0; index < members.length; index++)
    for (const row of rows.values())
      if (row.parentPid === members[index]?.pid && !seen.has(row.pid)) {
        seen.add(row.pid);
        members.push(row);
      }
  return members;
}

function treeOf(rows: ReadonlyMap<number, PsRow>, row: PsRow): ProcessTree {
  const children = [...rows.values()].filter((each) => each.parentPid === row.pid && each.pid !== row.pid);
  return {
    stat: {
      pid: row.pid,
      command: row.command.split(" ")[0] ?? row.command,
      state: row.state,
      parentPid: row.parentPid,
      processGroup: 0,
      session: 0,
      userTicks: 0,
      systemTicks: 0,
      childrenUserTicks: 0,
      childrenSystemTicks: 0,
      threads: 0,
      startTicks: row.startedAtSeconds,
      rssPages: 0,
    },
    commandLine: row.command.split(" "),
    children: children.map((child) => treeOf(rows, child)),
  };
}
