/**
 * Scanners for the tables that are read for every instance at every tick. They work on text by V8's own string functions
 * and expressions, which are fast also where its optimizing compiler is left out; a loop over bytes is slow there.
 */

/** The fields of /proc/<pid>/stat that change, in ticks and pages. */
export interface HotStat {
  cpuTicks: number;
  childrenCpuTicks: number;
  threads: number;
  rssPages: number;
}

/** From field 3, the state, on: fields 14 to 17, 20 and 24 (proc_pid_stat(5)). */
const statFields = /\S (?:\S+ ){10}(\d+) (\d+) (-?\d+) (-?\d+) \S+ \S+ (\d+) \S+ \S+ \S+ (\d+)/y;

/** Scans a stat line into `into`; answers whether the line was whole. */
export function scanStat(line: string, into: HotStat): boolean {
  // Only the command may hold ")", so the last one ends it; then a space and field 3.
  statFields.lastIndex = line.lastIndexOf(")") + 2;
  const found = statFields.exec(line);
  if (found === null) return false;
  into.cpuTicks = Number(found[1]) + Number(found[2]);
  into.childrenCpuTicks = Number(found[3]) + Number(found[4]);
  into.threads = Number(found[5]);
  into.rssPages = Number(found[6]);
  return true;
}

/** The read_bytes and write_bytes of /proc/<pid>/io. */
export function parseIo(text: string): { readonly readBytes: number; readonly writeBytes: number } {
  return { readBytes: numberBehind(text, "\nread_bytes: "), writeBytes: numberBehind(text, "\nwrite_bytes: ") };
}

/** An interface's row: its name, the first of eight numbers received and the first of those sent. */
const interfaceRow = /^ *([^\s:]+): *(\d+)(?: +\d+){7} +(\d+)/gm;

/** Of a net/dev table: received and sent bytes of all interfaces but "lo". */
export function parseNetwork(text: string): { readonly receivedBytes: number; readonly sentBytes: number } {
  let receivedBytes = 0;
  let sentBytes = 0;
  interfaceRow.lastIndex = 0;
  for (let row = interfaceRow.exec(text); row !== null; row = interfaceRow.exec(text)) {
    if (row[1] === "lo") continue;
    receivedBytes += Number(row[2]);
    sentBytes += Number(row[3]);
  }
  return { receivedBytes, sentBytes };
}

function numberBehind(text: string, key: string): number {
  const at = text.indexOf(key);
  return at < 0 ? 0 : Number.parseInt(text.slice(at + key.length), 10) || 0;
}
