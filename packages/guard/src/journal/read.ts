import { readFileSync } from "node:fs";
import { decodeRecord, type JournalRecord } from "./record.ts";

/** What a journal file holds. */
export type JournalContent =
  | { readonly kind: "absent" }
  | { readonly kind: "sound"; readonly records: readonly JournalRecord[]; readonly tornLines: number }
  | { readonly kind: "corrupt"; readonly line: number; readonly reason: string };

/** Reads a journal. A file that is there and cannot be read is corrupt, never absent. */
export function readJournal(path: string): JournalContent {
  try {
    return parseJournal(readFileSync(path, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? { kind: "absent" } : { kind: "corrupt", line: 0, reason: message };
  }
}

/**
 * Parses a journal. Records begin with a line feed, so what a killed writer left half written stands on a line of its own
 * and is passed over: its test runs again. A whole line that is wrong makes the journal corrupt.
 */
export function parseJournal(text: string): JournalContent {
  const records: JournalRecord[] = [];
  let tornLines = 0;
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const read = decodeRecord(line);
    if (read.kind === "corrupt") return { kind: "corrupt", line: index + 1, reason: read.reason };
    if (read.kind === "torn") tornLines += 1;
    else records.push(read.record);
  }
  // A run that was killed while it wrote its first words has started nothing yet.
  if (records.length === 0) return { kind: "absent" };
  if (records[0]?.kind !== "run") return { kind: "corrupt", line: 1, reason: "it does not begin with its run" };
  return { kind: "sound", records, tornLines };
}
