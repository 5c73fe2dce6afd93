import { execFile, execFileSync } from "node:child_process";
import { HostError } from "../failure.ts";

/** One row of `ps`. */
export interface PsRow {
  readonly pid: number;
  readonly parentPid: number;
  readonly state: string;
  readonly rssBytes: number;
  readonly cpuTimeUs: number;
  /** Seconds since the epoch. */
  readonly startedAtSeconds: number;
  readonly command: string;
}

/** `ps` words its start time by locale; C is the one that is always there. */
const psOptions = {
  encoding: "utf8",
  env: { PATH: "/bin:/usr/bin", LC_ALL: "C" },
  timeout: 5000,
  maxBuffer: 64e6,
} as const;
const psColumns = "pid=,ppid=,state=,rss=,time=,lstart=,command=";

/** The row of one process now, or undefined when there is none. @throws HostError file-unreadable when `ps` cannot be run */
export function readPsRow(pid: number): PsRow | undefined {
  return parsePs(runPs(["-o", psColumns, "-p", String(pid)])).get(pid);
}

/** All processes, from one run of `ps` that serves every watch until it is older than `maxAgeMs`. */
export class PsTable {
  readonly #maxAgeMs: number;
  #rows = new Map<number, PsRow>();
  #readAtMs = Number.NEGATIVE_INFINITY;
  #running = false;

  constructor(maxAgeMs = 500) {
    this.#maxAgeMs = maxAgeMs;
  }

  /** The newest rows known; starts a new run in the background when they are old, waits only for the very first. */
  rows(): ReadonlyMap<number, PsRow> {
    if (this.#readAtMs === Number.NEGATIVE_INFINITY) this.refreshNow();
    else if (performance.now() - this.#readAtMs > this.#maxAgeMs) this.#refreshLater();
    return this.#rows;
  }

  /** When the rows were read, in monotonic milliseconds. */
  get readAtMs(): number {
    return this.#readAtMs;
  }

  /** Runs `ps` and waits for it. @throws HostError file-unreadable when it cannot be run */
  refreshNow(): void {
    this.#take(runPs(["-axo", psColumns]));
  }

  #refreshLater(): void {
    if (this.#running) return;
    this.#running = true;
    execFile("ps", ["-axo", psColumns], psOptions, (error, text) => {
      this.#running = false;
      if (error === null) this.#take(text);
    }).unref();
  }

  #take(text: string): void {
    this.#rows = parsePs(text);
    this.#readAtMs = performance.now();
  }
}

function runPs(words: readonly string[]): string {
  try {
    return execFileSync("ps", words, psOptions);
  } catch (error) {
    // `ps -p` ends with 1 when there is no such process.
    if ((error as { status?: unknown }).status === 1) return "";
    throw new HostError("file-unreadable", "Cannot list processes: running ps failed; check that /bin/ps is there", {
      cause: error,
    });
  }
}

/** Parses the rows of `ps -axo pid=,ppid=,state=,rss=,time=,lstart=,command=`; other lines are left out. */
export function parsePs(text: string): Map<number, PsRow> {
  const rows = new Map<number, PsRow>();
  const pattern =
    /^\s*(\d{1,10})\s+(\d{1,10})\s+(\S+)\s+(\d{1,15})\s+([\d:.-]+)\s+(\w{3}\s+\w{3}\s+\d{1,2}\s+\d\d:\d\d:\d\d\s+\d{4})\s+(.*)$/;
  for (const line of text.split("\n")) {
    const match = pattern.exec(line);
    if (match === null) continue;
    const [, pid, parentPid, state, rss, time, started, command] = match as unknown as string[];
    const startedAtMs = Date.parse(started as string);
    const cpuTimeUs = parseCpuTime(time as string);
    if (Number.isNaN(startedAtMs) || cpuTimeUs === undefined) continue;
    rows.set(Number(pid), {
      pid: Number(pid),
      parentPid: Number(parentPid),
      state: (state as string).charAt(0),
      rssBytes: Number(rss) * 1024,
      cpuTimeUs,
      startedAtSeconds: startedAtMs / 1000,
      command: command as string,
    });
  }
  return rows;
}

/** Parses "[[days-]hours:]minutes:seconds[.hundredths]"; undefined for anything else. */
export function parseCpuTime(text: string): number | undefined {
  const match = /^(?:(?:(\d{1,5})-)?(\d{1,5}):)?(\d{1,7}):(\d{1,2}(?:\.\d{1,3})?)$/.exec(text);
  if (match === null) return undefined;
  const [, days = "0", hours = "0", minutes, seconds] = match;
  return Math.round((((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1e6);
}
