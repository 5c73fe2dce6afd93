/** Why an actor ended; the words are OTP's. */
export type ExitReason =
  | { readonly kind: "normal" }
  | { readonly kind: "shutdown"; readonly detail?: unknown }
  | { readonly kind: "killed" }
  | { readonly kind: "error"; readonly error: unknown }
  /** A link or monitor was set on an actor that does not live. */
  | { readonly kind: "noproc" }
  /** The connection to the actor's node was lost. */
  | { readonly kind: "noconnection" };

const normal: ExitReason = { kind: "normal" };
const shutdown: ExitReason = { kind: "shutdown" };
const killed: ExitReason = { kind: "killed" };
const noproc: ExitReason = { kind: "noproc" };
const noconnection: ExitReason = { kind: "noconnection" };

/** The exit reasons, ready to use: `exit.normal`, `exit.shutdown`, `exit.error(cause)`, … */
export const exit = {
  normal,
  shutdown,
  killed,
  noproc,
  noconnection,
  /** An orderly end that carries a reason, OTP's `{shutdown, Term}`. */
  shutdownWith: (detail: unknown): ExitReason => ({ kind: "shutdown", detail }),
  /** An end by a failure. */
  error: (error: unknown): ExitReason => ({ kind: "error", error }),
} as const;

/** True for the reasons that OTP counts as orderly: `normal` and `shutdown`, with or without detail. */
export function isOrderly(reason: ExitReason): boolean {
  return reason.kind === "normal" || reason.kind === "shutdown";
}

/** One line for logs and error messages, such as `error: disk full`. */
export function describeExit(reason: ExitReason): string {
  switch (reason.kind) {
    case "error":
      return `error: ${textOf(reason.error)}`;
    case "shutdown":
      return reason.detail === undefined ? "shutdown" : `shutdown: ${textOf(reason.detail)}`;
    default:
      return reason.kind;
  }
}

function textOf(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : String(value);
}
