import { closeSync, fstatSync, openSync, readdirSync } from "node:fs";
import { HostError } from "../failure.ts";
import { systemRoots, type HostRoots } from "../roots.ts";
import { kernelUnits } from "./clock.ts";
import type { ProcessIdentity } from "./identity.ts";
import { KeptFile, readFailure } from "./kept-file.ts";
import { parseProcessStat, type ProcessStat } from "./stat.ts";
import {
  parseEnvironment,
  parseNetworkDevices,
  parseProcessIo,
  parseProcessStatus,
  parseProportionalMemory,
  type InterfaceCounters,
  type ProcessIo,
  type ProcessStatus,
  type ProportionalMemory,
} from "./tables.ts";

type TableName = "stat" | "statm" | "io" | "status" | "smaps_rollup" | "net/dev" | "environ" | "cmdline" | "cgroup";

/**
 * Reads one process again and again on kept descriptors. It is bound to the process that had the pid when it was
 * opened: after that one has ended each read throws `process-gone`, whoever has the pid then.
 * Costs one descriptor, and one more for each table that is read.
 */
export class ProcessReader {
  readonly identity: ProcessIdentity;
  readonly #directory: number;
  readonly #tables = new Map<TableName, KeptFile>();
  #fdDirectory: number | undefined;
  #closed = false;

  private constructor(directory: number, pid: number) {
    this.#directory = directory;
    this.identity = { pid, startTicks: this.stat().startTicks };
  }

  /** Binds to the process that has this pid now. @throws HostError process-gone */
  static open(pid: number, roots: HostRoots = systemRoots): ProcessReader {
    let directory: number;
    try {
      directory = openSync(`${roots.proc}/${pid}`, "r");
    } catch (error) {
      throw readFailure(`${roots.proc}/${pid}`, error);
    }
    try {
      return new ProcessReader(directory, pid);
    } catch (error) {
      closeSync(directory);
      throw error;
    }
  }

  /** @throws HostError process-gone */
  stat(): ProcessStat {
    return parseProcessStat(this.#table("stat").read());
  }

  /** Resident bytes, shared pages counted in full. @throws HostError process-gone */
  rssBytes(): number {
    const pages = Number(this.#table("statm").read().split(" ", 2)[1]);
    return Number.isSafeInteger(pages) ? pages * kernelUnits().pageBytes : 0;
  }

  /** Proportional memory; needs the right to trace the process. @throws HostError process-gone, permission-denied */
  memory(): ProportionalMemory {
    return parseProportionalMemory(this.#table("smaps_rollup").read());
  }

  /** @throws HostError process-gone, permission-denied */
  io(): ProcessIo {
    return parseProcessIo(this.#table("io").read());
  }

  /** @throws HostError process-gone */
  status(): ProcessStatus {
    return parseProcessStatus(this.#table("status").read());
  }

  /** Interfaces of the network namespace that the process is in. @throws HostError process-gone */
  network(): InterfaceCounters[] {
    return parseNetworkDevices(this.#table("net/dev").read());
  }

  /** The environment it was started with. @throws HostError process-gone, permission-denied */
  environment(): Map<string, string> {
    return parseEnvironment(this.#table("environ").read());
  }

  /** The words it was started with; empty for a kernel thread or a zombie. @throws HostError process-gone */
  commandLine(): string[] {
    const text = this.#table("cmdline").read();
    return text === "" ? [] : text.replace(/\0$/, "").split("\0");
  }

  /** Open descriptors, as the size of /proc/<pid>/fd (Linux 6.2) or by counting. @throws HostError process-gone, permission-denied */
  fdCount(): number {
    const path = `/proc/self/fd/${this.#directory}/fd`;
    try {
      this.#fdDirectory ??= openSync(path, "r");
      const counted = fstatSync(this.#fdDirectory).size;
      return counted > 0 ? counted : readdirSync(`/proc/self/fd/${this.#fdDirectory}`).length;
    } catch (error) {
      throw readFailure(path, error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const table of this.#tables.values()) table.close();
    this.#tables.clear();
    if (this.#fdDirectory !== undefined) closeSync(this.#fdDirectory);
    closeSync(this.#directory);
  }

  #table(name: TableName): KeptFile {
    const open = this.#tables.get(name);
    if (open !== undefined) return open;
    if (this.#closed) throw new HostError("file-unreadable", `Cannot read ${name} of a process: its reader is closed`);
    const file = KeptFile.open(`/proc/self/fd/${this.#directory}/${name}`);
    this.#tables.set(name, file);
    return file;
  }
}
