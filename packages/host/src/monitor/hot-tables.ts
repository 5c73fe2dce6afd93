/** Byte scanners for the tables that are read for every instance at every tick: no strings, no arrays. */

/** The fields of /proc/<pid>/stat that change, in ticks and pages. */
export interface HotStat {
  cpuTicks: number;
  childrenCpuTicks: number;
  threads: number;
  rssPages: number;
}

/** Scans a stat line into `into`; answers whether the line was whole. */
export function scanStat(bytes: Uint8Array, into: HotStat): boolean {
  // Only the command may hold ")", so the last one ends it; then a space and field 3.
  let at = bytes.lastIndexOf(41) + 2;
  if (at < 2) return false;
  let field = 3;
  into.cpuTicks = 0;
  into.childrenCpuTicks = 0;
  for (const end = bytes.length; at < end; at++, field++) {
    let value = 0;
    for (let digit = bytes[at] as number; digit > 32; digit = at < end ? (bytes[at] as number) : 32) {
      if (digit >= 48 && digit <= 57) value = value * 10 + digit - 48;
      at++;
    }
    if (field === 14 || field === 15) into.cpuTicks += value;
    else if (field === 16 || field === 17) into.childrenCpuTicks += value;
    else if (field === 20) into.threads = value;
    else if (field === 24) {
      into.rssPages = value;
      return true;
    }
  }
  return false;
}

/** Scans /proc/<pid>/statm for its second number, the resident pages; 0 when there is none. */
export function scanResident(bytes: Uint8Array): number {
  let value = 0;
  for (let at = bytes.indexOf(32) + 1; at > 0 && at < bytes.length; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
}

/** Two running totals. */
export interface TwoTotals {
  first: number;
  second: number;
}

/** Scans /proc/<pid>/io for read_bytes (row 5) and write_bytes (row 6). */
export function scanIo(bytes: Uint8Array, into: TwoTotals): void {
  into.first = numberInRow(bytes, 4);
  into.second = numberInRow(bytes, 5);
}

/** Scans a net/dev table: received and sent bytes of all interfaces but "lo". */
export function scanNetwork(bytes: Uint8Array, into: TwoTotals): void {
  into.first = 0;
  into.second = 0;
  let at = rowStart(bytes, 2);
  while (at < bytes.length) {
    const colon = bytes.indexOf(58, at);
    if (colon < 0) return;
    const isLoopback =
      bytes[colon - 1] === 111 && bytes[colon - 2] === 108 && (colon < 3 || (bytes[colon - 3] as number) <= 32);
    let column = 0;
    at = colon + 1;
    for (; at < bytes.length && bytes[at] !== 10;) {
      const byte = bytes[at] as number;
      if (byte < 48 || byte > 57) {
        at++;
        continue;
      }
      let value = 0;
      for (; at < bytes.length; at++) {
        const digit = (bytes[at] as number) - 48;
        if (digit < 0 || digit > 9) break;
        value = value * 10 + digit;
      }
      if (!isLoopback && column === 0) into.first += value;
      if (!isLoopback && column === 8) into.second += value;
      column++;
    }
    at++;
  }
}

function numberInRow(bytes: Uint8Array, row: number): number {
  let at = bytes.indexOf(58, rowStart(bytes, row)) + 2;
  if (at < 2) return 0;
  let value = 0;
  for (; at < bytes.length; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
}

function rowStart(bytes: Uint8Array, row: number): number {
  let at = 0;
  for (let passed = 0; passed < row; passed++) {
    const newline = bytes.indexOf(10, at);
    if (newline < 0) return bytes.length;
    at = newline + 1;
  }
  return at;
}
