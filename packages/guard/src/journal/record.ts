import { crc32 } from "./crc32.ts";
import type { UnfitCause } from "./unfit.ts";

interface InFile {
  readonly file: string;
  /** Of the file's content when it ran. */
  readonly hash: string;
}

/** One line of the journal. */
export type JournalRecord =
  /** A run begins: all after it belongs to this suite. */
  | {
      readonly kind: "run";
      readonly version: 1;
      readonly run: string;
      readonly framework: string;
      readonly suite: string;
      readonly at: string;
    }
  /** One attempt of the run begins. `isolated`: the only file it runs. */
  | {
      readonly kind: "attempt";
      readonly number: number;
      readonly jobs: number;
      readonly at: string;
      readonly isolated?: string;
      /** Of the machine when it began: what changed tells later how an attempt died that left no word. */
      readonly oomKills?: number;
      readonly boot?: string;
    }
  | (InFile & { readonly kind: "file"; readonly pid: number })
  | TestRecord
  /** A failure outside any test. */
  | (InFile & { readonly kind: "trouble"; readonly title: string; readonly error: string })
  | (InFile & { readonly kind: "end" })
  /** The file was isolated and does not fit in memory, or ends every attempt by means unknown. */
  | (InFile & { readonly kind: "unfit"; readonly peakBytes: number; readonly cause?: UnfitCause })
  /** The attempt ended in order. An attempt without it was killed. */
  | {
      readonly kind: "stop";
      readonly why: "finished" | "protected" | "timeout" | "interrupted";
      readonly level?: "drain" | "kill";
      /** It would have stayed within its bounds, had others not taken memory while it ran; or CPU stopped it. */
      readonly crowded?: boolean;
      readonly exit: number | null;
      readonly peakBytes: number;
      readonly at: string;
    };

/** A test has finished: written by the process that ran it. */
export type TestRecord = InFile & {
  readonly kind: "test";
  readonly path: readonly string[];
  /** Which one of those with equal file and path. */
  readonly n: number;
  readonly status: TestStatus;
  readonly ms: number;
  readonly error?: string;
};

/** Failed tests are finished tests. */
export type TestStatus = "passed" | "failed" | "skipped";

/** What a line turned out to be. `torn`: its end was never written; `corrupt`: it is whole and wrong. */
export type Line =
  | { readonly kind: "record"; readonly record: JournalRecord }
  | { readonly kind: "torn" }
  | { readonly kind: "corrupt"; readonly reason: string };

const ending = /^,"sum":"([0-9a-f]{8})"\}$/;
const endingLength = ',"sum":"01234567"}'.length;

/** Writes a record as a line; the checksum covers everything before it. */
export function encodeRecord(record: JournalRecord): string {
  const body = JSON.stringify(record).slice(0, -1);
  return `${body},"sum":"${crc32(body)}"}`;
}

/** Reads one line back. Never throws. */
export function decodeRecord(line: string): Line {
  const match = ending.exec(line.slice(-endingLength));
  if (match === null) return line.startsWith('{"kind":"') && !isJson(line) ? { kind: "torn" } : maybeTorn(line);
  const body = line.slice(0, -endingLength);
  if (crc32(body) !== match[1]) return { kind: "corrupt", reason: "its checksum does not match" };
  try {
    const record: unknown = JSON.parse(`${body}}`);
    return isRecord(record)
      ? { kind: "record", record }
      : { kind: "corrupt", reason: "it is no record of this version" };
  } catch {
    return { kind: "corrupt", reason: "it is no JSON" };
  }
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/** A beginning of a record is shorter than its first words. */
function maybeTorn(line: string): Line {
  return '{"kind":"'.startsWith(line) ? { kind: "torn" } : { kind: "corrupt", reason: "it is no record" };
}

type Check = (value: unknown) => boolean;
const text: Check = (value) => typeof value === "string";
const number: Check = (value) => typeof value === "number";
const whole: Check = (value) => Number.isSafeInteger(value);
const name: Check = (value) => typeof value === "string" && value !== "";
const oneOf =
  (...words: readonly unknown[]): Check =>
  (value) =>
    words.includes(value);
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const inFile = { file: name, hash: text };

/**
 * The fields of each kind. By hand: a run reads a record for every test, and a schema library would take ten times as long,
 * and more memory than all of the guard.
 */
const fields: Readonly<Record<JournalRecord["kind"], Readonly<Record<string, Check>>>> = {
  run: { version: oneOf(1), run: text, framework: text, suite: text, at: text },
  attempt: { number: whole, jobs: whole, at: text, isolated: maybe(text), oomKills: maybe(whole), boot: maybe(text) },
  file: { ...inFile, pid: whole },
  test: {
    ...inFile,
    path: (value) => Array.isArray(value) && value.length > 0 && value.every(text),
    n: whole,
    status: oneOf("passed", "failed", "skipped"),
    ms: number,
    error: maybe(text),
  },
  trouble: { ...inFile, title: text, error: text },
  end: inFile,
  unfit: { ...inFile, peakBytes: number, cause: maybe(oneOf("memory", "unknown")) },
  stop: {
    why: oneOf("finished", "protected", "timeout", "interrupted"),
    level: maybe(oneOf("drain", "kill")),
    crowded: maybe(oneOf(true, false)),
    exit: (value) => value === null || whole(value),
    peakBytes: number,
    at: text,
  },
};

const checks = new Map(Object.entries(fields).map(([kind, all]) => [kind, Object.entries(all)]));

function isRecord(value: unknown): value is JournalRecord {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Readonly<Record<string, unknown>>;
  const all = checks.get(String(record["kind"]));
  return all !== undefined && all.every(([key, check]) => check(record[key]));
}
