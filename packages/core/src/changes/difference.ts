import { type AppSpec, formatBitrate, formatBytes, formatDuration } from "@constellation/contract";
import { type Effect, effectOf } from "./effect.ts";

/** One setting that differs between two specs. */
export interface Difference {
  /** For example `resources.memoryBytes` or `ports[0].publicPort`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly effect: Effect;
}

/** Every setting in which `after` differs from `before`, ordered as the spec is written; empty when they mean the same. */
export function differences(before: AppSpec, after: AppSpec): Difference[] {
  return [...compare("", before, after)].map((found) => ({ ...found, effect: effectOf(found.path) }));
}

/** One line for people: `resources.memoryBytes: 256 MB -> 512 MB`. Values of variables that look secret are hidden. */
export function describeDifference({ path, before, after }: Pick<Difference, "path" | "before" | "after">): string {
  if (secretVariable.test(path))
    return `${path}: ${hide(before)} -> ${hide(after)}${after && before ? " (changed)" : ""}`;
  const [from, to] = [showAs(path, before), showAs(path, after)];
  // Two values that round to the same are told apart by their numbers.
  return from === to ? `${path}: ${show(before)} -> ${show(after)}` : `${path}: ${from} -> ${to}`;
}

/** A value in the unit that its setting is named after. */
function showAs(path: string, value: unknown): string {
  if (typeof value !== "number") return show(value);
  if (path.endsWith("BytesPerSecond")) return `${formatBytes(value)}/s`;
  if (path.endsWith("BitsPerSecond")) return formatBitrate(value);
  if (path.endsWith("Bytes")) return formatBytes(value);
  return path.endsWith("Ms") ? formatDuration(value) : show(value);
}

// A diff ends up in the logs of build machines; a password must not.
const secretVariable = /^env\.\w*(SECRET|TOKEN|PASSW|PASSPHRASE|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|_KEY|DSN)/i;
const hide = (value: unknown): string => (value === undefined ? "none" : "***");

function* compare(path: string, before: unknown, after: unknown): Generator<Omit<Difference, "effect">> {
  if (Object.is(before, after)) return;
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      yield* compare(path === "" ? key : `${path}.${key}`, own(before, key), own(after, key));
  } else if (isRecordList(before) && isRecordList(after) && before.length === after.length) {
    for (const [at, item] of before.entries()) yield* compare(`${path}[${at}]`, item, after[at]);
  } else if (JSON.stringify(before) !== JSON.stringify(after)) {
    yield { path, before, after };
  }
}

const own = (record: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.hasOwn(record, key) ? record[key] : undefined;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isRecordList = (value: unknown): value is readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) && value.every(isRecord);

function show(value: unknown): string {
  if (value === undefined || value === null) return "none";
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
