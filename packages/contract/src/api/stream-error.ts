import { ConstellationError, type ErrorBody } from "../errors/error.ts";

/** The last line of a stream of JSON lines that broke after it had begun, when its status was sent already. */
export interface StreamError {
  readonly error: ErrorBody;
}

/** The error in a line of a stream; `null` when the line is an ordinary value. */
export function readStreamError(line: unknown): ConstellationError | null {
  if (typeof line !== "object" || line === null || !("error" in line)) return null;
  return ConstellationError.fromJSON(line.error);
}
