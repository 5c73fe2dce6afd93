/** The "major:minor Read n" and "major:minor Write n" rows of a v1 blkio table; its last row, "Total n", is none. */
const directionRow = /^\S+ (Read|Write) (\d+)$/gm;

/** Sums what a v1 blkio table says was read and written, over all devices. */
export function sumReadWrite(table: string): { readonly readBytes: number; readonly writeBytes: number } {
  let readBytes = 0;
  let writeBytes = 0;
  directionRow.lastIndex = 0;
  for (let row = directionRow.exec(table); row !== null; row = directionRow.exec(table)) {
    if (row[1] === "Read") readBytes += Number(row[2]);
    else writeBytes += Number(row[2]);
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

const totalOf = { rbytes: "readBytes", wbytes: "writeBytes", rios: "readOps", wios: "writeOps" } as const;
const counter = / (rbytes|wbytes|rios|wios)=(\d+)/g;

/** Sums rbytes, wbytes, rios and wios of a v2 io.stat table over all devices. */
export function sumIoStat(table: string): IoTotals {
  const totals: IoTotals = { readBytes: 0, writeBytes: 0, readOps: 0, writeOps: 0 };
  counter.lastIndex = 0;
  for (let found = counter.exec(table); found !== null; found = counter.exec(table))
    totals[totalOf[found[1] as keyof typeof totalOf]] += Number(found[2]);
  return totals;
}
