import type { Command } from "commander";

/** A command as completion and documentation see it. */
export interface DescribedCommand {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  readonly group: string;
  readonly arguments: readonly DescribedArgument[];
  readonly options: readonly DescribedOption[];
  readonly commands: readonly DescribedCommand[];
}

/** An argument of a command. */
export interface DescribedArgument {
  readonly name: string;
  readonly description: string;
  /** The only words that it takes; empty: any. */
  readonly choices: readonly string[];
}

/** An option of a command. */
export interface DescribedOption {
  readonly flags: string;
  readonly short: string | null;
  readonly long: string | null;
  readonly takesValue: boolean;
  /** Its value is the path of a file or folder. */
  readonly takesFile: boolean;
  /** The only words that its value can be; empty: others, too. */
  readonly choices: readonly string[];
  readonly description: string;
  readonly defaultValue: string | null;
}

/** What a command tree offers, without hidden commands. */
export function describeTree(command: Command): DescribedCommand {
  return {
    name: command.name(),
    summary: command.summary() || command.description(),
    usage: command.usage(),
    group: command.helpGroup() ?? "",
    arguments: command.registeredArguments.map((argument) => ({
      name: nameOf(argument),
      description: argument.description,
      choices: argument.argChoices ?? [],
    })),
    options: command.options.filter(({ hidden }) => !hidden).map(describeOption),
    commands: command
      .createHelp()
      .visibleCommands(command)
      .filter((inner) => inner.name() !== "help")
      .map(describeTree),
  };
}

function nameOf(argument: Command["registeredArguments"][number]): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

const describeOption = (option: Command["options"][number]): DescribedOption => ({
  flags: option.flags,
  short: option.short ?? null,
  long: option.long ?? null,
  takesValue: option.required || option.optional,
  takesFile: /<(?:file|folder)>/.test(option.flags),
  choices: option.argChoices ?? [],
  description: option.description,
  defaultValue: typeof option.defaultValue === "string" ? option.defaultValue : null,
});
