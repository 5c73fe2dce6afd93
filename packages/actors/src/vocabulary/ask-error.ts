import type { ExitReason } from "./exit-reason.ts";

/**
 * Why an ask has no answer: `timeout` (no reply in time), `dead` (the actor had ended, or ended before it replied),
 * `rejected` (its mailbox is full), `cycle` (asker and asked would wait for each other), `disconnected` (the
 * connection to it was lost).
 */
export type AskErrorCode = "timeout" | "dead" | "rejected" | "cycle" | "disconnected";

/** An ask that got no answer. */
export class AskError extends Error {
  override readonly name = "AskError";
  readonly code: AskErrorCode;
  /** Why the asked actor ended, with code `dead`. */
  readonly reason: ExitReason | null;

  constructor(code: AskErrorCode, message: string, reason: ExitReason | null = null) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}
