import { parseKeyValues } from "./key-values.ts";

/** Bytes that a process shares or owns, from smaps_rollup; PSS counts a page shared by n processes as 1/n. */
export interface ProportionalMemory {
  readonly rssBytes: number;
  readonly pssBytes: number;
  readonly privateBytes: number;
  readonly swapBytes: number;
}

/** Parses /proc/<pid>/smaps_rollup; an empty table (kernel thread, zombie) is all zero. */
export function parseProportionalMemory(text: string): ProportionalMemory {
  const table = parseKeyValues(text);
  return {
    rssBytes: table.get("Rss") ?? 0,
    pssBytes: table.get("Pss") ?? 0,
    privateBytes: (table.get("Private_Clean") ?? 0) + (table.get("Private_Dirty") ?? 0),
    swapBytes: table.get("Swap") ?? 0,
  };
}

/** What a process and its waited-for children have read and written, from /proc/<pid>/io. */
export interface ProcessIo {
  /** Bytes passed through read(2) and friends, cached or not. */
  readonly readCallBytes: number;
  readonly writeCallBytes: number;
  /** Bytes fetched from and sent to storage (counted when a page is made dirty). */
  readonly storageReadBytes: number;
  readonly storageWriteBytes: number;
}

/** Parses /proc/<pid>/io. */
export function parseProcessIo(text: string): ProcessIo {
  const table = parseKeyValues(text);
  return {
    readCallBytes: table.get("rchar") ?? 0,
    writeCallBytes: table.get("wchar") ?? 0,
    storageReadBytes: table.get("read_bytes") ?? 0,
    storageWriteBytes: table.get("write_bytes") ?? 0,
  };
}

/** Bytes and packets through one network interface. */
export interface InterfaceCounters {
  readonly name: string;
  readonly receivedBytes: number;
  readonly receivedPackets: number;
  readonly sentBytes: number;
  readonly sentPackets: number;
}

/** Parses /proc/<pid>/net/dev: the interfaces of that process's network namespace. */
export function parseNetworkDevices(text: string): InterfaceCounters[] {
  const interfaces: InterfaceCounters[] = [];
  for (const line of text.split("\n")) {
    const match = /^\s*([^\s:][^\s]*):\s*((?:\d+\s+){15}\d+)\s*$/.exec(line);
    if (match === null) continue;
    const counters = (match[2] as string).trim().split(/\s+/).map(Number);
    interfaces.push({
      name: match[1] as string,
      receivedBytes: counters[0] as number,
      receivedPackets: counters[1] as number,
      sentBytes: counters[8] as number,
      sentPackets: counters[9] as number,
    });
  }
  return interfaces;
}

/** What /proc/<pid>/status says that `stat` does not. */
export interface ProcessStatus {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly threads: number;
  readonly peakRssBytes: number;
  /** Hexadecimal effective capability set. */
  readonly effectiveCapabilities: string;
  readonly noNewPrivileges: boolean;
  /** 0 off, 1 strict, 2 filter. */
  readonly seccompMode: number;
  readonly cpusAllowedList: string;
}

/** Parses /proc/<pid>/status; a row that is missing (another kernel, a zombie) reads as 0 or "". */
export function parseProcessStatus(text: string): ProcessStatus {
  const rows = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) rows.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const numberAt = (row: string, column: number): number => {
    const word = rows.get(row)?.split(/\s+/)[column] ?? "";
    return /^\d{1,15}$/.test(word) ? Number(word) : 0;
  };
  return {
    name: rows.get("Name") ?? "",
    uid: numberAt("Uid", 1),
    gid: numberAt("Gid", 1),
    threads: numberAt("Threads", 0),
    peakRssBytes: numberAt("VmHWM", 0) * 1024,
    effectiveCapabilities: rows.get("CapEff") ?? "0",
    noNewPrivileges: numberAt("NoNewPrivs", 0) === 1,
    seccompMode: numberAt("Seccomp", 0),
    cpusAllowedList: rows.get("Cpus_allowed_list") ?? "",
  };
}

/** Parses /proc/<pid>/environ; an entry without "=" is left out. */
export function parseEnvironment(text: string): Map<string, string> {
  const environment = new Map<string, string>();
  for (const entry of text.split("\0")) {
    const equals = entry.indexOf("=");
    if (equals > 0) environment.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  return environment;
}
