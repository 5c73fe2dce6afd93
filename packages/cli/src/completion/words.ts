import type { DescribedCommand, DescribedOption } from "./tree.ts";

/** What comes after a command that is not an option: names that the daemon knows, or files. */
export type Operand = "apps" | "instances" | "names" | "files" | "none";

/** What the operands of a command are, seen from how its arguments are written. */
export function operandOf({ arguments: [first] }: DescribedCommand): Operand {
  if (first === undefined) return "none";
  if (/file|path/.test(first.name)) return "files";
  if (/instance/.test(first.name)) return "instances";
  // An app or an instance.
  if (/name/.test(first.name)) return "names";
  return /app/.test(first.name) ? "apps" : "none";
}

/** The only words that the operand of a command can be; empty: others, too. */
export const choicesOf = ({ arguments: [first] }: DescribedCommand): readonly string[] => first?.choices ?? [];

/** Options of a command with those of its subcommands. */
export const optionsOf = ({ options, commands }: DescribedCommand): readonly DescribedOption[] => [
  ...options,
  ...commands.flatMap(optionsOf),
];

/** An option as it can be typed. */
export const wordsOf = ({ long, short }: DescribedOption): string[] => [long, short].filter((word) => word !== null);

/** Single-quoted for a shell. */
export const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
