import * as z from "zod";
import { crc32 } from "./crc32.ts";

const status = z.enum(["passed", "failed", "skipped"]);
const place = { file: z.string().min(1), hash: z.string() };
const levelName = z.enum(["drain", "kill"]);

const recordSchema = z.discriminatedUnion("kind", [
  /** A run begins: all after it belongs to this suite. */
  z.object({
    kind: z.literal("run"),
    version: z.literal(1),
    run: z.string(),
    framework: z.string(),
    suite: z.string(),
    at: z.string(),
  }),
  /** One attempt of the run begins. `isolated`: the only file it runs. */
  z.object({
    kind: z.literal("attempt"),
    number: z.int().min(1),
    jobs: z.int().min(1),
    at: z.string(),
    isolated: z.string().optional(),
  }),
  z.object({ kind: z.literal("file"), ...place, pid: z.int() }),
  /** A test has finished: written by the process that ran it. */
  z.object({
    kind: z.literal("test"),
    ...place,
    path: z.array(z.string()).min(1),
    n: z.int().min(0),
    status,
    ms: z.number(),
    error: z.string().optional(),
  }),
  /** A failure outside any test. */
  z.object({ kind: z.literal("trouble"), ...place, title: z.string(), error: z.string() }),
  z.object({ kind: z.literal("end"), ...place }),
  /** The file was isolated and does not fit in memory. */
  z.object({ kind: z.literal("unfit"), ...place, peakBytes: z.number() }),
  /** The attempt ended in order. An attempt without it was killed. */
  z.object({
    kind: z.literal("stop"),
    why: z.enum(["finished", "protected", "timeout", "interrupted"]),
    level: levelName.optional(),
    exit: z.int().nullable(),
    peakBytes: z.number(),
    at: z.string(),
  }),
]);

/** One line of the journal. */
export type JournalRecord = z.infer<typeof recordSchema>;
export type TestRecord = Extract<JournalRecord, { kind: "test" }>;
export type TestStatus = TestRecord["status"];

/** What a line turned out to be. `torn`: its end was never written; `corrupt`: it is whole and wrong. */
export type Line =
  | { readonly kind: "record"; readonly record: JournalRecord }
  | { readonly kind: "torn" }
  | { readonly kind: "corrupt"; readonly reason: string };

const ending = /,"sum":"([0-9a-f]{8})"\}$/;

/** Writes a record as a line; the checksum covers everything before it. */
export function encodeRecord(record: JournalRecord): string {
  const body = JSON.stringify(record).slice(0, -1);
  return `${body},"sum":"${crc32(body)}"}`;
}

/** Reads one line back. Never throws. */
export function decodeRecord(line: string): Line {
  const match = ending.exec(line);
  if (match === null) return line.startsWith('{"kind":"') && !line.endsWith('"}') ? { kind: "torn" } : maybeTorn(line);
  const body = line.slice(0, match.index);
  if (crc32(body) !== match[1]) return { kind: "corrupt", reason: "its checksum does not match" };
  try {
    const parsed = recordSchema.safeParse(JSON.parse(`${body}}`));
    return parsed.success
      ? { kind: "record", record: parsed.data }
      : { kind: "corrupt", reason: "it is no record of this version" };
  } catch {
    return { kind: "corrupt", reason: "it is no JSON" };
  }
}

/** A beginning of a record is shorter than its first words. */
function maybeTorn(line: string): Line {
  return '{"kind":"'.startsWith(line) ? { kind: "torn" } : { kind: "corrupt", reason: "it is no record" };
}
