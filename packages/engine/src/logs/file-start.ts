import { closeSync } from "node:fs";
import { formatTime } from "./cri.ts";
import { FileTrail } from "./file-trail.ts";
import { InstanceReader, type ReaderBounds } from "./instance-reader.ts";
import type { LogCursor, LogStreamName } from "./log-store.ts";
import type { LogStart } from "./reading.ts";
import { type LogFile, logFiles, openLogFile } from "./rotation.ts";
import { offsetOfTail, offsetOfTime } from "./seek.ts";

interface Place {
  readonly file: LogFile;
  readonly offset: number;
  /** What came before is lost since this time. */
  readonly gapAfter?: string;
}

/** A reader placed where it shall begin; rotation may go on while the place is looked for, then it is looked for again. */
export function readerFrom(instance: string, folder: string, start: LogStart, bounds: ReaderBounds): InstanceReader {
  const trail = new FileTrail(folder);
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const place = findPlace(logFiles(folder), start, bounds);
    if (place === "again") continue;
    const reader = new InstanceReader(instance, trail, boundsFor(start, bounds));
    if (place === "beginning" || !trail.place(place.file, place.offset)) return reader;
    if (place.gapAfter !== undefined) reader.startWithGap(place.gapAfter);
    return reader;
  }
  return new InstanceReader(instance, trail, boundsFor(start, bounds));
}

function boundsFor(start: LogStart, bounds: ReaderBounds): ReaderBounds {
  return start.kind === "time" ? { ...bounds, sinceTime: formatTime(start.sinceMs) } : bounds;
}

function findPlace(files: readonly LogFile[], start: LogStart, bounds: ReaderBounds): Place | "beginning" | "again" {
  const [oldest] = files;
  if (oldest === undefined) return "beginning";
  switch (start.kind) {
    case "beginning":
      return { file: oldest, offset: 0 };
    case "time":
      return placeOfTime(files, formatTime(start.sinceMs));
    case "tail":
      return placeOfTail(files, start, bounds.stream);
    case "cursor":
      return placeAfter(files, start.cursor);
  }
}

function placeOfTime(files: readonly LogFile[], time: string): Place | "beginning" | "again" {
  let place: Place | "beginning" = "beginning";
  for (const file of files.toReversed()) {
    const offset = within(file, (opened) => offsetOfTime(opened, file.sizeBytes, time));
    if (offset === undefined) return "again";
    place = { file, offset };
    if (offset > 0) break;
  }
  return place;
}

function placeOfTail(
  files: readonly LogFile[],
  { count, untilTime }: LogStart & { kind: "tail" },
  stream: LogStreamName | undefined,
): Place | "beginning" | "again" {
  let missing = count;
  let place: Place | "beginning" = "beginning";
  for (const file of files.toReversed()) {
    const found = within(file, (opened) => {
      const end = untilTime === undefined ? file.sizeBytes : offsetOfTime(opened, file.sizeBytes, after(untilTime));
      return offsetOfTail(opened, end, missing, stream);
    });
    if (found === undefined) return "again";
    place = { file, offset: found.offset };
    missing = found.missing;
    if (missing === 0) break;
  }
  return place;
}

// Inodes are given out again: the place is right only when the entry that ends there has the cursor's time.
function placeAfter(files: readonly LogFile[], cursor: LogCursor): Place | "beginning" | "again" {
  const file = files.find(({ inode, sizeBytes }) => inode === cursor.file && sizeBytes >= cursor.end);
  if (file !== undefined) {
    const fits = within(file, (opened) => offsetOfTime(opened, file.sizeBytes, cursor.time) <= cursor.end);
    if (fits === undefined) return "again";
    if (fits) return { file, offset: cursor.end };
  }
  const place = placeOfTime(files, after(cursor.time));
  return typeof place === "string" ? place : { ...place, gapAfter: cursor.time };
}

function within<T>(file: LogFile, look: (opened: number) => T): T | undefined {
  const opened = openLogFile(file);
  if (opened === undefined) return undefined;
  try {
    return look(opened);
  } finally {
    closeSync(opened);
  }
}

// The smallest text that is greater.
function after(time: string): string {
  return `${time}~`;
}
