import { writeSync } from "node:fs";
import { exitCodes } from "@constellation/contract";
import { type LoadedApps, loadApps } from "@constellation/sdk";

/**
 * Reads a file of specs. Its code runs in this process, and one that ends it ends it as a file that cannot be read: whoever
 * deploys by a script must not take it for success.
 *
 * @throws ConstellationError as `loadApps`
 */
export async function readSpecs(file: string): Promise<LoadedApps> {
  const ended = (code: number): void => {
    if (code === exitCodes.interrupted.code) return;
    process.exitCode = exitCodes.usage.code;
    const text = `Error: The spec ${file} ended the process with code ${code}\nCorrect the file; nothing was changed.\n`;
    // Nothing that waits is done any more.
    writeSync(process.stderr.fd, text);
  };
  process.once("exit", ended);
  try {
    return await loadApps(file);
  } finally {
    process.off("exit", ended);
  }
}
