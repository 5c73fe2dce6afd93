import { exit, type ExitReason } from "../vocabulary/exit-reason.ts";
import { textOf } from "../vocabulary/as-error.ts";
import type { WireError, WireReason } from "./packet.ts";

/** An error that happened in another system. */
export class RemoteError extends Error {
  /** The name of the original error. */
  readonly remoteName: string;

  constructor({ name, message, stack }: WireError) {
    super(message);
    this.name = "RemoteError";
    this.remoteName = name;
    if (stack !== undefined) this.stack = `${this.name}: ${message}\n    in another system:\n${stack}`;
  }
}

export function errorToWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: "Error", message: textOf(error) };
  return { name: error.name, message: error.message, ...(error.stack === undefined ? {} : { stack: error.stack }) };
}

export function reasonToWire(reason: ExitReason): WireReason {
  switch (reason.kind) {
    case "error":
      return { kind: "error", error: errorToWire(reason.error) };
    case "shutdown":
      return reason.detail === undefined ? reason : { kind: "shutdown", detail: plain(reason.detail) };
    default:
      return reason;
  }
}

export function reasonFromWire(reason: WireReason): ExitReason {
  switch (reason.kind) {
    case "error":
      return exit.error(new RemoteError(reason.error ?? { name: "Error", message: "unknown" }));
    case "shutdown":
      return reason.detail === undefined ? exit.shutdown : exit.shutdownWith(reason.detail);
    case "normal":
    case "killed":
    case "noproc":
    case "noconnection":
      return exit[reason.kind];
  }
}

/** A detail travels only when it is simple; anything else as text. */
function plain(detail: unknown): unknown {
  return typeof detail === "object" && detail !== null
    ? detail instanceof Error
      ? detail.message
      : Object.prototype.toString.call(detail)
    : typeof detail === "function" || typeof detail === "symbol"
      ? String(detail)
      : detail;
}
