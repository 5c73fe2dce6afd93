import { type ErrorCode, errorCodes, type ErrorTraits } from "./codes.ts";

/** What {@link ConstellationError} takes besides code and message. */
export interface ErrorDetails {
  /** The failure underneath, kept whole. */
  readonly cause?: unknown;
  /** One sentence: what the reader can do next. */
  readonly remedy?: string;
  /** Structured facts about the failure, JSON values only. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** JSON form of an error on the wire. */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * A failure worded for people: the message says what was attempted, with which value and what was found.
 * "No" that is a normal answer is a value, never this.
 */
export class ConstellationError extends Error {
  override readonly name = "ConstellationError";
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, { cause, remedy, details }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedy;
    this.details = details;
  }

  /** Kind, exit code, HTTP status and whether a retry may help. */
  get traits(): ErrorTraits {
    return errorCodes[this.code];
  }

  /** The form that crosses the wire. */
  toJSON(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.remedy === undefined ? {} : { remedy: this.remedy }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }

  // "new this": a class that names itself is given another name by the bundler, which users would see.
  /** Rebuilds an error from its wire form; an unknown code becomes `internal.bug` and keeps its text. */
  static fromJSON(body: unknown): ConstellationError {
    const { code, message, remedy, details } = (typeof body === "object" && body !== null ? body : {}) as Partial<
      Record<keyof ErrorBody, unknown>
    >;
    const known = typeof code === "string" && Object.hasOwn(errorCodes, code);
    return new this(
      known ? (code as ErrorCode) : "internal.bug",
      typeof message === "string" ? message : `The daemon answered with an error that has no message: ${String(code)}`,
      {
        ...(typeof remedy === "string" ? { remedy } : {}),
        ...(typeof details === "object" && details !== null ? { details: details as Record<string, unknown> } : {}),
      },
    );
  }
}

/** Turns anything thrown into a {@link ConstellationError}; what is not one already is a bug of ours. */
export function toConstellationError(thrown: unknown): ConstellationError {
  if (thrown instanceof ConstellationError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ConstellationError("internal.bug", message, { cause: thrown });
}
