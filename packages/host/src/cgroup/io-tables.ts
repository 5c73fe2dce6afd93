/** Sums the "major:minor Read n" and "major:minor Write n" rows of a v1 blkio table over all devices. */
export function sumReadWrite(bytes: Uint8Array): { readonly readBytes: number; readonly writeBytes: number } {
  let readBytes = 0;
  let writeBytes = 0;
  for (let line = 0; line < bytes.length;) {
    const end = lineEnd(bytes, line);
    const word = bytes.indexOf(space, line) + 1;
    const number = bytes.indexOf(space, word) + 1;
    // The last row, "Total n", has one space only, and its second one belongs to nobody.
    if (word > line && number > word && number < end) {
      if (bytes[word] === letterR) readBytes += digitsAt(bytes, number, end);
      else if (bytes[word] === letterW) writeBytes += digitsAt(bytes, number, end);
    }
    line = end + 1;
  }
  return { readBytes, writeBytes };
}

/** Totals of a v2 io.stat table. */
export interface IoTotals {
  readBytes: number;
  writeBytes: number;
  readOps: number;
  writeOps: number;
}

/** Sums rbytes, wbytes, rios and wios of a v2 io.stat table over all devices. */
export function sumIoStat(bytes: Uint8Array): IoTotals {
  const totals: IoTotals = { readBytes: 0, writeBytes: 0, readOps: 0, writeOps: 0 };
  for (let equals = bytes.indexOf(equalsSign); equals >= 0; equals = bytes.indexOf(equalsSign, equals + 1)) {
    const start = bytes.lastIndexOf(space, equals) + 1;
    const first = bytes[start];
    const length = equals - start;
    const value = digitsAt(bytes, equals + 1, bytes.length);
    if (length === 6 && first === lowerR) totals.readBytes += value;
    else if (length === 6 && first === lowerW) totals.writeBytes += value;
    else if (length === 4 && first === lowerR) totals.readOps += value;
    else if (length === 4 && first === lowerW) totals.writeOps += value;
  }
  return totals;
}

const newline = 10;
const space = 32;
const equalsSign = 61;
const letterR = 82;
const letterW = 87;
const lowerR = 114;
const lowerW = 119;

function lineEnd(bytes: Uint8Array, from: number): number {
  const end = bytes.indexOf(newline, from);
  return end < 0 ? bytes.length : end;
}

function digitsAt(bytes: Uint8Array, from: number, end: number): number {
  let value = 0;
  for (let at = from; at < end; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
}
