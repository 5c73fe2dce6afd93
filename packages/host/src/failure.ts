/** Every way this package can fail; "no" answers (a limit that cannot be enforced, a process that is gone) are values instead. */
export type HostErrorCode =
  | "platform-unsupported"
  | "process-gone"
  | "permission-denied"
  | "file-unreadable"
  | "file-malformed"
  | "name-invalid"
  | "limit-invalid"
  | "cgroup-exists"
  | "cgroup-failed"
  | "port-unavailable"
  | "container-engine-failed"
  | "timed-out";

const kinds: Readonly<Record<HostErrorCode, { kind: "user" | "environment" | "bug"; retryable: boolean }>> = {
  "platform-unsupported": { kind: "environment", retryable: false },
  "process-gone": { kind: "environment", retryable: false },
  "permission-denied": { kind: "environment", retryable: false },
  "file-unreadable": { kind: "environment", retryable: true },
  "file-malformed": { kind: "bug", retryable: false },
  "name-invalid": { kind: "user", retryable: false },
  "limit-invalid": { kind: "user", retryable: false },
  "cgroup-exists": { kind: "bug", retryable: false },
  "cgroup-failed": { kind: "environment", retryable: true },
  "port-unavailable": { kind: "environment", retryable: true },
  "container-engine-failed": { kind: "environment", retryable: true },
  "timed-out": { kind: "environment", retryable: true },
};

/** A failure of something this package attempted on the machine. */
export class HostError extends Error {
  override readonly name = "HostError";
  readonly code: HostErrorCode;
  readonly kind: "user" | "environment" | "bug";
  readonly retryable: boolean;

  constructor(code: HostErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.kind = kinds[code].kind;
    this.retryable = kinds[code].retryable;
  }
}

/** The errno name ("ENOENT") of a failed system call, or undefined when the value is no such error. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : undefined;
}
