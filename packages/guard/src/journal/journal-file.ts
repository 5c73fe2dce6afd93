import { closeSync, fsync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { ConstellationError } from "@constellation/contract";
import { decodeRecord, encodeRecord, type JournalRecord } from "./record.ts";

/** The journal while a run goes on: hooks append to it from their own processes, the guard follows and syncs it. */
export interface JournalFile {
  append(record: JournalRecord): void;
  /** Records that arrived since the last call, ours too. @throws ConstellationError state.corrupt when somebody damaged it */
  news(): JournalRecord[];
  /** Makes what `news` has handed over survive the machine; called at most every 100 ms. */
  sync(): Promise<void>;
  close(): void;
}

/** Opens a journal for a run: `fresh` empties it first. @throws ConstellationError state.unavailable when it cannot be written */
export function openJournalFile(path: string, { fresh }: { readonly fresh: boolean }): JournalFile {
  let descriptor: number;
  try {
    if (fresh) closeSync(openSync(path, "w", 0o644));
    descriptor = openSync(path, "a+", 0o644);
    // Ends a line that a killed writer left open, and shows now whether the disk takes anything.
    writeSync(descriptor, "\n");
  } catch (error) {
    throw unwritable(path, error);
  }
  let position = fresh ? 0 : fstatSync(descriptor).size;
  let rest = Buffer.alloc(0);
  let syncedBytes = 0;
  const block = Buffer.allocUnsafe(16 * 1024);

  return {
    append(record) {
      try {
        writeSync(descriptor, `\n${encodeRecord(record)}`);
      } catch (error) {
        throw unwritable(path, error);
      }
    },
    news() {
      const before = position;
      for (let read = 1; read > 0;) {
        read = readSync(descriptor, block, 0, block.length, position);
        position += read;
        if (read > 0) rest = Buffer.concat([rest, block.subarray(0, read)]);
      }
      // Asked ten times a second: where nothing is new nothing is allocated either.
      if (position === before) return [];
      const end = rest.lastIndexOf(10);
      const whole = rest.subarray(0, Math.max(0, end)).toString("utf8").split("\n");
      const last = rest.subarray(end + 1).toString("utf8");
      const lastLine = decodeRecord(last);
      rest = lastLine.kind === "record" ? Buffer.alloc(0) : Buffer.from(rest.subarray(end + 1));
      return [...whole, ...(lastLine.kind === "record" ? [last] : [])].flatMap((line) => {
        const decoded = decodeRecord(line);
        if (decoded.kind === "corrupt" && line !== "") throw damaged(path, decoded.reason);
        return decoded.kind === "record" ? [decoded.record] : [];
      });
    },
    async sync() {
      const size = position;
      if (size === syncedBytes) return;
      await new Promise<void>((done, fail) => {
        fsync(descriptor, (error) => (error ? fail(unwritable(path, error)) : done()));
      });
      syncedBytes = size;
    },
    close: () => closeSync(descriptor),
  };
}

function damaged(path: string, reason: string): ConstellationError {
  return new ConstellationError("state.corrupt", `The journal ${path} was damaged while it was written: ${reason}`, {
    remedy: "Only guarded runs may write there; run again without --resume.",
  });
}

function unwritable(path: string, cause: unknown): ConstellationError {
  const { code } = cause as NodeJS.ErrnoException;
  return new ConstellationError("state.unavailable", `Cannot write the journal ${path}: ${code ?? String(cause)}`, {
    cause,
    remedy: "Without a journal nothing could be resumed; free space, or name another place with --checkpoint.",
  });
}
