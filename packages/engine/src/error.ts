/**
 * What a failed engine call means to its caller.
 *
 * | code | meaning | retry |
 * |---|---|---|
 * | `conflict` | an expected revision is no longer current, or the lease is gone; nothing was written | after reading again |
 * | `unavailable` | not done, and it certainly left no effect | yes |
 * | `unknown` | the outcome is not known: it may have been applied | only after settling it |
 * | `too-large` | a value, a transaction, a quota or a queue bound was exceeded | no |
 * | `bad-key` | a key, subject, hash or name is malformed | no |
 * | `corrupt` | stored bytes are damaged | no |
 * | `schema-newer` | the file was written by a newer version | no |
 * | `closed` | the engine was closed | no |
 */
export type EngineErrorCode =
  | "conflict"
  | "unavailable"
  | "unknown"
  | "too-large"
  | "bad-key"
  | "corrupt"
  | "schema-newer"
  | "closed";

/** Whose turn it is to act on the error. */
export type EngineErrorKind = "user" | "environment" | "bug";

const meaning: Record<EngineErrorCode, { kind: EngineErrorKind; retryable: boolean }> = {
  conflict: { kind: "user", retryable: true },
  unavailable: { kind: "environment", retryable: true },
  unknown: { kind: "environment", retryable: false },
  "too-large": { kind: "user", retryable: false },
  "bad-key": { kind: "user", retryable: false },
  corrupt: { kind: "environment", retryable: false },
  "schema-newer": { kind: "environment", retryable: false },
  closed: { kind: "bug", retryable: false },
};

/** Facts that belong to single codes. */
export interface EngineErrorDetails {
  /** `conflict`: the keys whose revision was not the expected one. */
  readonly keys?: readonly string[];
  /** `unknown`: hand it to {@link StateStore.settle} to learn the outcome. */
  readonly token?: string;
  /** `unavailable`: the process that holds the files; null while it has not said which it is. */
  readonly holderPid?: number | null;
  /** `unavailable`: the file that its disk has no space left for. */
  readonly noSpaceFor?: string;
  readonly cause?: unknown;
}

/** The one error class that engine calls fail with (besides an aborted signal's own reason). */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: EngineErrorCode;
  readonly kind: EngineErrorKind;
  /** Whether the same call may succeed later without anybody changing it. */
  readonly retryable: boolean;
  readonly keys: readonly string[];
  readonly token: string | undefined;
  readonly holderPid: number | null | undefined;
  readonly noSpaceFor: string | undefined;

  constructor(code: EngineErrorCode, message: string, details: EngineErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.kind = meaning[code].kind;
    this.retryable = meaning[code].retryable;
    this.keys = details.keys ?? [];
    this.token = details.token;
    this.holderPid = details.holderPid;
    this.noSpaceFor = details.noSpaceFor;
  }
}

/** True when the error is an {@link EngineError}, of that code when one is given. */
export function isEngineError(error: unknown, code?: EngineErrorCode): error is EngineError {
  return error instanceof EngineError && (code === undefined || error.code === code);
}
