import type { WorkerExit } from "./link.ts";

/** What is wrong with a warm-up during which its worker ended. */
export function warmupErrorOf(exit: WorkerExit): Error {
  const how = exit.kind === "ended" ? "exit code 0" : exit.detail;
  return new Error(`it ended before it was warm: ${how}`, causeOf(exit));
}

/** The uncaught error that ended a thread, as options for an error of ours. */
export function causeOf(exit: WorkerExit): ErrorOptions {
  return exit.kind === "crashed" && exit.error !== undefined ? { cause: exit.error } : {};
}

/**
 * Tells of an uncaught error of which nobody else hears: a timer or a listener that was left behind has thrown it, when no
 * task ran that could fail with it. Processes have written theirs to stderr.
 */
export function tellUncaught(worker: number, exit: WorkerExit): void {
  if (exit.kind !== "crashed" || exit.error === undefined) return;
  const { stack = "" } = exit.error;
  process.emitWarning(`Pool worker ${worker} ended with an ${exit.detail}, while no task ran`, { detail: stack });
}
