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

/** One line for people: `resources.memoryBytes: 256 MB -> 512 MB`. What looks secret is hidden, in variables, headers and addresses. */
export function describeDifference({ path, before, after }: Pick<Difference, "path" | "before" | "after">): string {
  const variable = /^env\.(\w+)$|\.headers\.(.+)$/.exec(path);
  if (secretName.test(variable?.[1] ?? variable?.[2] ?? ""))
    return `${path}: ${hide(before)} -> ${hide(after)}${after && before ? " (changed)" : ""}`;
  const [from, to] = [showAs(path, before), showAs(path, after)];
  if (from !== to) return `${path}: ${from} -> ${to}`;
  // Two values that round to the same are told apart by their numbers, two that hide the same not at all.
  const [fully, then] = [show(before), show(after)];
  return `${path}: ${fully} -> ${then}${fully === then ? " (changed)" : ""}`;
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
const secretName = /SECRET|TOKEN|PASS|CREDENTIAL|PRIVATE|API[_-]?KEY|ACCESS[_-]?KEY|[_-]KEY|DSN|AUTHORIZATION|COOKIE/i;
/** The password in `postgres://user:password@host`. */
const passwordInAddress = /(:\/\/[^\s/@:]*:)[^\s/]+(?=@)/g;
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
  const text = JSON.stringify(value, (key, inner: unknown) => {
    if (typeof inner !== "string") return inner;
    return secretName.test(key) ? "***" : inner.replaceAll(passwordInAddress, "$1***");
  });
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
