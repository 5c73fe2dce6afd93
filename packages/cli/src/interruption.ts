import { exitCodes } from "@constellation/contract";

/** What runs a command for somebody (npm) hands on what the terminal has sent to all: so soon after, it is the same Ctrl-C. */
const echoMs = 250;

/**
 * A signal that the first Ctrl-C aborts, and so does the end of its terminal; a second one ends the process at once. Listens
 * from its first use on.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  let abortedAt = 0;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => {
      if (!controller.signal.aborted) {
        abortedAt = performance.now();
        controller.abort();
      } else if (performance.now() - abortedAt >= echoMs) process.exit(exitCodes.interrupted.code);
    });
  return controller.signal;
}
