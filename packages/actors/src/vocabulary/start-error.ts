import { describeExit, type ExitReason } from "./exit-reason.ts";

/** An actor ended before it had started. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly reason: ExitReason;

  constructor(address: string, reason: ExitReason) {
    super(`${address} did not start: it ended with ${describeExit(reason)}`, {
      cause: reason.kind === "error" ? reason.error : undefined,
    });
    this.reason = reason;
  }
}
