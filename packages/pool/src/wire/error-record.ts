import { inspect } from "node:util";
import { deserialize, serialize } from "node:v8";
import type { ErrorRecord } from "./protocol.ts";

const deepest = 4;
/** Causes, and errors of aggregates, that one error takes along. */
const mostOthers = 256;

/** Of the language, so that both ends have them; the most special ones first. */
const nativeClasses = {
  AggregateError,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  Error,
};

/** How far somebody has got with taking apart. */
interface Way {
  /** The errors of which the present one is a cause or a part. */
  readonly above: readonly unknown[];
  readonly budget: { left: number };
}

/** Takes apart what was thrown, whatever it is. */
export function recordError(thrown: unknown): ErrorRecord {
  return record(thrown, { above: [], budget: { left: mostOthers } });
}

/**
 * Puts an error together again: class (when it is one of the language), name, message, code, cause, the stack of where it
 * was thrown, and the properties that could be copied.
 */
export function reviveError(record: ErrorRecord): Error {
  const { message, cause, errors, extras } = record;
  const options = cause === null ? {} : { cause: cause.kind === "error" ? reviveError(cause.record) : cause.value };
  const revived =
    errors === null
      ? new nativeClasses[record.base as "Error"](message, options)
      : new AggregateError(errors.map(reviveError), message, options);
  const own = (name: string, value: unknown, enumerable: boolean): void =>
    void Object.defineProperty(revived, name, { value, enumerable, writable: true, configurable: true });
  if (record.name !== record.base) own("name", record.name, false);
  if (record.stack !== "") revived.stack = record.stack;
  if (record.code !== null) own("code", record.code, true);
  for (const [name, value] of Object.entries(extras)) own(name, value, true);
  return revived;
}

function record(thrown: unknown, way: Way): ErrorRecord {
  try {
    return isError(thrown) ? recordOf(thrown, way) : recordOfValue(thrown);
  } catch {
    // A getter or a proxy that throws: nobody must die of an error that was told to us.
    return { ...nothing, message: "thrown: something that throws when it is looked at" };
  }
}

const nothing: ErrorRecord = {
  base: "Error",
  name: "Error",
  message: "",
  stack: "",
  code: null,
  cause: null,
  errors: null,
  extras: {},
};

function recordOfValue(thrown: unknown): ErrorRecord {
  const copy = thrown === undefined ? null : copyOf(thrown);
  const cause = copy === null ? null : ({ kind: "value", value: copy.value } as const);
  return { ...nothing, message: `thrown: ${textOf(thrown)}`, cause };
}

function recordOf(thrown: Error, way: Way): ErrorRecord {
  const { code, cause, errors } = thrown as { code?: unknown; cause?: unknown; errors?: unknown };
  const base = baseOf(thrown);
  const below = { ...way, above: [...way.above, thrown] };
  return {
    base,
    name: textOf(thrown.name),
    message: textOf(thrown.message),
    stack: textOf(thrown.stack ?? ""),
    code: isCode(code) ? code : null,
    cause: cause === undefined ? null : recordOfCause(cause, below),
    errors:
      base === "AggregateError" && Array.isArray(errors)
        ? errors.filter((error) => mayFollow(error, below)).map((error) => record(error, below))
        : null,
    extras: extrasOf(thrown, base),
  };
}

function recordOfCause(cause: unknown, way: Way): ErrorRecord["cause"] {
  if (isError(cause)) return mayFollow(cause, way) ? { kind: "error", record: record(cause, way) } : null;
  const copy = copyOf(cause);
  return { kind: "value", value: copy === null ? textOf(cause) : copy.value };
}

/** Not in circles, not for ever. */
function mayFollow(error: unknown, { above, budget }: Way): boolean {
  return above.length <= deepest && !above.includes(error) && (budget.left -= 1) >= 0;
}

function baseOf(thrown: Error): string {
  const known = Object.entries(nativeClasses).find(([, native]) => thrown instanceof native);
  // Errors of another realm (a `vm` context) are instances of its classes.
  return known?.[0] ?? (Object.hasOwn(nativeClasses, thrown.name) ? thrown.name : "Error");
}

/** Errors of another realm are no `instanceof Error`. */
function isError(thrown: unknown): thrown is Error {
  if (thrown instanceof Error) return true;
  return typeof thrown === "object" && thrown !== null && "message" in thrown && "stack" in thrown;
}

function isCode(code: unknown): code is string | number {
  return typeof code === "string" || typeof code === "number";
}

/** Its own properties that can be copied; the others are left out, as an error without them is better than none. */
function extrasOf(thrown: Error, base: string): Readonly<Record<string, unknown>> {
  const names = Object.keys(thrown).filter((name) => !/^(?:name|message|stack|cause)$/.test(name));
  const extras = names.flatMap((name) => {
    const value = (thrown as unknown as Record<string, unknown>)[name];
    if ((name === "code" && isCode(value)) || (name === "errors" && base === "AggregateError")) return [];
    const copy = copyOf(value);
    return copy === null ? [] : [[name, copy.value] as const];
  });
  return Object.fromEntries(extras);
}

/** A copy that every placement can pass on, or null. */
function copyOf(value: unknown): { readonly value: unknown } | null {
  const isSimple = value === null || (typeof value !== "object" && typeof value !== "function");
  if (isSimple) return typeof value === "symbol" ? null : { value };
  try {
    return { value: deserialize(serialize(value)) };
  } catch {
    return null;
  }
}

function textOf(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  try {
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    return inspect(thrown, { breakLength: Infinity });
  }
}
