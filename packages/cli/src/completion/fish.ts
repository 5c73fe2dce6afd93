import type { DescribedCommand, DescribedOption } from "./tree.ts";
import { choicesOf, operandOf, optionsOf, quote } from "./words.ts";

/** Completion for fish, see complete(1) of fish. */
export function fishScript({ commands }: DescribedCommand): string {
  const first = commands.map(
    ({ name, summary }) => `complete -c constellation -n __fish_use_subcommand -f -a ${name} -d ${quote(summary)}`,
  );
  return `# fish completion for constellation\n${[...first, ...commands.flatMap(linesOf)].join("\n")}\n`;
}

function linesOf(command: DescribedCommand): string[] {
  const when = `complete -c constellation -n ${quote(`__fish_seen_subcommand_from ${command.name}`)}`;
  const operand = operandOf(command);
  return [
    ...choicesOf(command).map((word) => `${when} -f -a ${word}`),
    ...command.commands.map(({ name, summary }) => `${when} -f -a ${name} -d ${quote(summary)}`),
    ...optionsOf(command).map((option) => optionLine(when, option)),
    ...(operand === "files"
      ? []
      : [`${when} -f${operand === "none" ? "" : ` -a ${quote(`(constellation __complete ${operand} 2>/dev/null)`)}`}`]),
  ];
}

function optionLine(when: string, option: DescribedOption): string {
  const { long, short, takesValue, takesFile, choices, description } = option;
  const names = [
    ...(long === null ? [] : [`-l ${long.slice(2)}`]),
    ...(short === null ? [] : [`-s ${short.slice(1)}`]),
  ];
  const words = choices.length === 0 ? "" : ` -a ${quote(choices.join(" "))}`;
  const value = takesFile ? " -r -F" : takesValue ? ` -x${words}` : "";
  return `${when} ${names.join(" ")}${value} -d ${quote(description)}`;
}
