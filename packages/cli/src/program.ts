import { Command } from "commander";
import type { Context } from "./context.ts";
import { commands } from "./registry.ts";
import { cliVersion } from "./version.ts";

/**
 * The command tree with only the command of this command line loaded; the others are there by name, for help and for
 * suggestions.
 */
export async function programFor(argv: readonly string[], context: Context): Promise<Command> {
  const named = argv.find((word) => !word.startsWith("-"));
  if (commands.some(({ name, describes }) => name === named && describes === "every command"))
    return wholeProgram(context);
  return build(context, (name) => name === named || (named === "help" && argv.includes(name)));
}

/** The whole command tree, for completion and documentation. */
export function wholeProgram(context: Context): Promise<Command> {
  return build(context, () => true);
}

async function build(context: Context, wanted: (name: string) => boolean): Promise<Command> {
  const program = prepare(new Command("constellation"), context)
    .description("Run anything under one supervision model, described in TypeScript.")
    .version(cliVersion, "-V, --version")
    .enablePositionalOptions();
  for (const { name, summary, group, hidden, load } of commands) {
    const command = prepare(new Command(name), context).summary(summary).description(`${summary}.`).helpGroup(group);
    if (wanted(name)) (await load()).define(command, context);
    program.addCommand(command, { hidden: hidden === true });
  }
  return program;
}

/** Failures are thrown, not printed: they are worded in one place. */
function prepare(command: Command, { out }: Context): Command {
  return command
    .exitOverride()
    .showHelpAfterError(false)
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: () => undefined,
      getOutHelpWidth: () => Math.min(120, out.width()),
      getOutHasColors: () => false,
    });
}
