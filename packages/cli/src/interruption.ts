import { exitCodes } from "@constellation/contract";

/** A signal that the first Ctrl-C aborts; a second one ends the process at once. Listens from its first use on. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCodes.interrupted.code);
      controller.abort();
    });
  return controller.signal;
}
