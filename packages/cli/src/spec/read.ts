import { writeSync } from "node:fs";
import { exitCodes } from "@constellation/contract";
import { type LoadedApps, loadApps } from "@constellation/sdk";
import type { Context } from "../context.ts";

/**
 * Reads a file of specs. Its code runs in this process: one that ends it ends it as a file that cannot be read, since
 * whoever deploys by a script must not take it for success. Ctrl-C ends the process, and with it the code, whatever that
 * waits for.
 *
 * @throws ConstellationError as `loadApps`
 */
export async function readSpecs(file: string, { signal }: Pick<Context, "signal">): Promise<LoadedApps> {
  const { interrupted, usage } = exitCodes;
  const ended = (code: number): void => {
    if (code === interrupted.code) return;
    process.exitCode = usage.code;
    say(`Error: The spec ${file} ended the process with code ${code}\nCorrect the file; nothing was changed.`);
  };
  const interrupt = (): void => {
    say(`Interrupted: The spec ${file} was being read; nothing was changed.`);
    process.exit(interrupted.code);
  };
  if (signal.aborted) interrupt();
  const restore = outputToError();
  process.once("exit", ended);
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    return await loadApps(file);
  } finally {
    restore();
    process.off("exit", ended);
    signal.removeEventListener("abort", interrupt);
  }
}

/**
 * Sends what this process writes to standard output to standard error: what the code of a spec says must not come
 * between the lines of a command, or into its JSON. Returns how to undo it.
 */
function outputToError(): () => void {
  const { stdout, stderr } = process;
  // That of its class, unless somebody else has put another one there.
  const before = Object.getOwnPropertyDescriptor(stdout, "write");
  stdout.write = stderr.write.bind(stderr);
  return () => {
    if (before === undefined) Reflect.deleteProperty(stdout, "write");
    else Object.defineProperty(stdout, "write", before);
  };
}

/** At once: nothing that waits is done any more when a process ends. */
function say(text: string): void {
  try {
    writeSync(process.stderr.fd, `${text}\n`);
  } catch {
    // Who would read it has gone; the exit code still tells.
  }
}
