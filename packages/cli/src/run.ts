import { CommanderError } from "commander";
import { ConstellationError, exitCodes } from "@constellation/contract";
import { type Context, processContext } from "./context.ts";
import { reportFailure } from "./failure.ts";
import { programFor } from "./program.ts";

/**
 * Runs one command line.
 *
 * @returns the exit code, from the published table
 */
export async function run(argv: readonly string[], context: Context = processContext()): Promise<number> {
  const json = wantsJson(argv);
  try {
    const program = await programFor(argv, context);
    await program.parseAsync(argv, { from: "user" });
    return context.signal.aborted && context.exitCode === 0 ? exitCodes.interrupted.code : context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok.code;
    return reportFailure(error instanceof CommanderError ? usage(error) : error, argv, context, json);
  }
}

/** Whether failures are told as JSON. What follows `--`, and the words of `exec`, are those of another program. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv[0] !== "exec" && (end < 0 ? argv : argv.slice(0, end)).includes("--json");
}

/** A command line that commander refuses, in our words. */
function usage(error: CommanderError): ConstellationError {
  const [message = "", ...hints] = error.message.replace(/^error: /, "").split("\n");
  const hint = hints.join(" ").replace(/^\((.*)\)$/, "$1");
  const text = message === "(outputHelp)" ? "Name a command" : message.charAt(0).toUpperCase() + message.slice(1);
  return new ConstellationError("usage.invalid", text, { remedy: hint || "See `constellation --help`." });
}
