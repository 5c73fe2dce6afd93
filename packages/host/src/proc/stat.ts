import { HostError } from "../failure.ts";

/** What /proc/<pid>/stat says of a process (proc_pid_stat(5)); times are in clock ticks, memory in pages. */
export interface ProcessStat {
  readonly pid: number;
  readonly command: string;
  /** One letter: R running, S sleeping, D waiting for disk, T stopped, Z zombie, X dead, I idle. */
  readonly state: string;
  readonly parentPid: number;
  readonly processGroup: number;
  readonly session: number;
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly childrenUserTicks: number;
  readonly childrenSystemTicks: number;
  readonly threads: number;
  /** Ticks after boot; with the pid it names a process for good. */
  readonly startTicks: number;
  readonly rssPages: number;
}

/** Parses /proc/<pid>/stat. The command may hold spaces and brackets. @throws HostError file-malformed */
export function parseProcessStat(text: string): ProcessStat {
  const open = text.indexOf(" (");
  const close = text.lastIndexOf(") ");
  if (open < 1 || close < open) throw malformed(text);
  const fields = text.slice(close + 2).split(" ", 22);
  const at = (index: number): number => {
    const value = Number(fields[index]);
    if (fields[index] === undefined || fields[index] === "" || !Number.isSafeInteger(value)) throw malformed(text);
    return value;
  };
  const pid = Number(text.slice(0, open));
  const state = fields[0];
  if (!Number.isSafeInteger(pid) || state === undefined || !/^[A-Za-z]$/.test(state)) throw malformed(text);
  return {
    pid,
    command: text.slice(open + 2, close),
    state,
    parentPid: at(1),
    processGroup: at(2),
    session: at(3),
    userTicks: at(11),
    systemTicks: at(12),
    childrenUserTicks: at(13),
    childrenSystemTicks: at(14),
    threads: at(17),
    startTicks: at(19),
    rssPages: at(21),
  };
}

function malformed(text: string): HostError {
  return new HostError(
    "file-malformed",
    `Cannot parse a process stat line: wanted "pid (command) state …" with 22 fields after the command, got ${JSON.stringify(text.slice(0, 120))}`,
  );
}
