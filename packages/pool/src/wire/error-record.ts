import type { ErrorRecord } from "./protocol.ts";

const deepestCause = 4;

/** Takes apart what was thrown, whatever it is. */
export function recordError(thrown: unknown, depth = 0): ErrorRecord {
  if (!(thrown instanceof Error) && !looksLikeError(thrown))
    return { name: "Error", message: `thrown: ${textOf(thrown)}`, stack: "", code: null, cause: null };
  const { code } = thrown as { code?: unknown };
  return {
    name: textOf(thrown.name),
    message: textOf(thrown.message),
    stack: textOf(thrown.stack ?? ""),
    code: typeof code === "string" || typeof code === "number" ? code : null,
    cause: thrown.cause === undefined || depth >= deepestCause ? null : recordError(thrown.cause, depth + 1),
  };
}

/** Puts an error together again: name, message, code, cause and the stack of where it was thrown. */
export function reviveError(record: ErrorRecord): Error {
  const revived =
    record.cause === null ? new Error(record.message) : new Error(record.message, { cause: reviveError(record.cause) });
  if (record.name !== "Error") Object.defineProperty(revived, "name", { value: record.name, configurable: true });
  if (record.stack !== "") revived.stack = record.stack;
  if (record.code !== null) Object.assign(revived, { code: record.code });
  return revived;
}

/** Errors of another realm (a `vm` context) are no `instanceof Error`. */
function looksLikeError(thrown: unknown): thrown is Error {
  return typeof thrown === "object" && thrown !== null && "message" in thrown && "stack" in thrown;
}

function textOf(thrown: unknown): string {
  try {
    return typeof thrown === "string" ? thrown : (JSON.stringify(thrown) ?? String(thrown));
  } catch {
    return Object.prototype.toString.call(thrown);
  }
}
