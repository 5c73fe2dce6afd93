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

/** Looks at a log that is rotated under our hands; each takes some ten microseconds. */
const attempts = 30;

/** What a reader is asked for. */
export interface ReaderWish extends Pick<ReaderBounds, "stream" | "untilTime"> {
  /** Only what is there when the place is found. */
  readonly presentOnly?: boolean;
}

/** A reader placed where it shall begin; rotation may go on while the place is looked for, then it is looked for again. */
export function readerFrom(instance: string, folder: string, start: LogStart, wish: ReaderWish): InstanceReader {
  const trail = new FileTrail(folder);
  try {
    return placedReader(instance, trail, folder, start, wish);
  } catch (error) {
    // Out of descriptors, it would take those for good that it has.
    trail.close();
    throw error;
  }
}

function placedReader(
  instance: string,
  trail: FileTrail,
  folder: string,
  start: LogStart,
  wish: ReaderWish,
): InstanceReader {
  for (let attempt = 1; ; attempt += 1) {
    const files = logFiles(folder);
    const place = findPlace(files, start, wish);
    const placed = typeof place === "string" || trail.place(place.file, place.offset);
    if ((place === "again" || !placed) && attempt < attempts) continue;
    const reader = new InstanceReader(instance, trail, boundsFor(start, wish, files));
    if (placed && typeof place !== "string" && place.gapAfter !== undefined) reader.startWithGap(place.gapAfter);
    return reader;
  }
}

/** What there is and where to begin must come from one look: of two, rotation could leave nothing that both know. */
function boundsFor(start: LogStart, { presentOnly, ...bounds }: ReaderWish, files: readonly LogFile[]): ReaderBounds {
  return {
    ...bounds,
    ...(start.kind === "time" ? { sinceTime: formatTime(start.sinceMs) } : {}),
    ...(presentOnly === true ? { snapshot: new Map(files.map(({ inode, sizeBytes }) => [inode, sizeBytes])) } : {}),
  };
}

function findPlace(files: readonly LogFile[], start: LogStart, { stream }: ReaderWish): Place | "beginning" | "again" {
  const [oldest] = files;
  if (oldest === undefined) return "beginning";
  switch (start.kind) {
    case "beginning":
      return { file: oldest, offset: 0 };
    case "time":
      return placeOfTime(files, formatTime(start.sinceMs));
    case "tail":
      return placeOfTail(files, start, stream);
    case "cursor":
      return placeAfter(files, oldest, start.cursor);
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
  // Seen in the midst of a rotation: the file just begun, and no longer the one before.
  if (files.every(({ sizeBytes }) => sizeBytes === 0)) return "again";
  let missing = count;
  let place: Place | "beginning" = "beginning";
  for (const file of files.toReversed()) {
    const found = within(file, (opened) => {
      const end = untilTime === undefined ? file.sizeBytes : offsetOfTime(opened, file.sizeBytes, after(untilTime));
      return offsetOfTail(opened, end, missing, stream);
    });
    // Rotated away while we looked at newer ones: what those have is the tail.
    if (found === undefined) return missing === count ? "again" : place;
    place = { file, offset: found.offset };
    missing = found.missing;
    if (missing === 0) break;
  }
  return place;
}

// Inodes are given out again: the place is right only when the entry that ends there has the cursor's time.
function placeAfter(files: readonly LogFile[], oldest: LogFile, cursor: LogCursor): Place | "beginning" | "again" {
  // There was no line yet, only what is none.
  const hasTime = cursor.time !== "";
  const file = files.find(({ inode, sizeBytes }) => inode === cursor.file && sizeBytes >= cursor.end);
  if (file !== undefined) {
    const fits = within(file, (opened) => !hasTime || offsetOfTime(opened, file.sizeBytes, cursor.time) <= cursor.end);
    if (fits === undefined) return "again";
    if (fits) return { file, offset: cursor.end };
  }
  const place = hasTime ? placeOfTime(files, after(cursor.time)) : { file: oldest, offset: 0 };
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
