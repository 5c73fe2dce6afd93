import { ConstellationError } from "@constellation/contract";
import { HostError } from "@constellation/host";
import { LaunchError } from "../launch/index.ts";

/** What execve(2) says of a program that is not there, may not be executed, is none, or gets too much to carry. */
const unrunnable: ReadonlySet<string> = new Set(["ENOENT", "EACCES", "ENOEXEC", "E2BIG"]);

/** Whatever prevented a start, as the error that callers of a driver get. */
export function startError(name: string, error: unknown): ConstellationError {
  if (error instanceof ConstellationError) return error;
  if (error instanceof LaunchError) {
    if (error.code === "ABORTED")
      return new ConstellationError("call.cancelled", `Cannot start ${name}: the start was cancelled`, {
        cause: error,
      });
    // The same program fails the same way until somebody changes it: no reason to try again and again.
    const lasting = error.step?.name === "EXEC" && unrunnable.has(error.errnoCode ?? "");
    return new ConstellationError(lasting ? "program.unrunnable" : "instance.start-failed", error.message, {
      cause: error,
      details: { step: error.stepIndex ?? null, errno: error.errnoCode ?? null },
    });
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof HostError || hasErrno(error) ? "instance.start-failed" : "internal.bug";
  return new ConstellationError(code, `Cannot start ${name}: ${message}`, { cause: error });
}

const hasErrno = (error: unknown): boolean => error instanceof Error && "errno" in error;
