import type { ExitCodeName } from "./exit-codes.ts";

/** Who can mend it: the user, the machine it runs on, or we. */
export type ErrorKind = "user" | "environment" | "bug";

/** What an error code makes its receiver do. */
export interface ErrorTraits {
  readonly kind: ErrorKind;
  /** True when the same call may succeed later without a change. */
  readonly retryable: boolean;
  readonly exit: ExitCodeName;
  /** HTTP status of the API's answer. */
  readonly status: number;
}

const row = (kind: ErrorKind, exit: ExitCodeName, status: number, retryable = false): ErrorTraits => ({
  kind,
  retryable,
  exit,
  status,
});

/** Every error code of the platform. Closed: a new failure gets a row here, with its exit code, before it is thrown. */
export const errorCodes = {
  "spec.invalid": row("user", "usage", 400),
  "spec.too-large": row("user", "usage", 413),
  "spec.unreadable": row("user", "usage", 400),
  "spec.cycle": row("user", "usage", 400),
  "request.invalid": row("user", "usage", 400),
  "script.unreadable": row("user", "usage", 400),
  "script.build-failed": row("user", "usage", 400),
  "usage.invalid": row("user", "usage", 400),
  "app.not-found": row("user", "not-found", 404),
  "instance.not-found": row("user", "not-found", 404),
  "artifact.not-found": row("user", "not-found", 404),
  "artifact.too-large": row("user", "usage", 413),
  "route.not-found": row("user", "not-found", 404),
  "app.exists": row("user", "conflict", 409),
  "state.conflict": row("environment", "conflict", 409, true),
  "instance.not-running": row("user", "conflict", 409),
  "port.in-use": row("environment", "conflict", 409, true),
  "limit.unenforceable": row("environment", "unsupported", 422),
  "limit.exceeds-node": row("user", "unsupported", 422),
  "isolation.unavailable": row("environment", "unsupported", 422),
  "platform.unsupported": row("environment", "unsupported", 422),
  "instance.start-failed": row("environment", "unhealthy", 500, true),
  "program.unrunnable": row("user", "unhealthy", 422),
  "app.unhealthy": row("user", "unhealthy", 500),
  "state.unavailable": row("environment", "unreachable", 503, true),
  "state.unknown": row("environment", "unreachable", 503, true),
  "state.corrupt": row("environment", "unsupported", 500),
  "daemon.unreachable": row("environment", "unreachable", 503, true),
  "daemon.busy": row("environment", "conflict", 503, true),
  "daemon.start-failed": row("environment", "unreachable", 500),
  "daemon.incompatible": row("environment", "unsupported", 501),
  "access.denied": row("user", "denied", 403),
  "call.timeout": row("environment", "timeout", 504, true),
  "call.cancelled": row("user", "interrupted", 499),
  "exec.failed": row("user", "failed", 422),
  "internal.bug": row("bug", "bug", 500),
} as const satisfies Record<string, ErrorTraits>;

/** A stable name for a failure. */
export type ErrorCode = keyof typeof errorCodes;
