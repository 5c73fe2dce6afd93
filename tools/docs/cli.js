import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { code, table } from "./markdown.js";

/** Every command with its arguments and options. */
export async function cliPage(root) {
  const load = (path) => import(pathToFileURL(join(root, "packages/cli/dist/tsc", path)).href);
  const [{ wholeProgram }, { describeTree }] = await Promise.all([load("program.js"), load("completion/tree.js")]);
  const nowhere = {
    write: () => undefined,
    line: () => undefined,
    width: () => 100,
    height: () => 24,
    interactive: false,
  };
  const context = { out: nowhere, err: nowhere, signal: new AbortController().signal, exitCode: 0 };
  const { commands } = describeTree(await wholeProgram(context));
  const groups = groupBy(commands);
  return `# Commands

${[...groups].map(([group, list]) => `**${group.replace(/:$/, "")}** ${list.map(({ name }) => `[${name}](#${name})`).join(" · ")}`).join("  \n")}

Whatever prints takes \`--json\`. Colours follow \`NO_COLOR\` and \`FORCE_COLOR\`. \`CONSTELLATION_HOME\` chooses the daemon.
How a command ends is in [exit codes](exit-codes.md).

${commands.flatMap((command) => sections(command, "constellation", 2)).join("\n\n")}
`;
}

function groupBy(commands) {
  const groups = new Map();
  for (const command of commands) groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
  return groups;
}

function sections(command, parent, depth) {
  const name = `${parent} ${command.name}`;
  const operands = command.arguments.map(({ name: operand, description }) => [code(operand), description]);
  const options = command.options.map(({ flags, description, defaultValue }) => [
    code(flags),
    description + (defaultValue === null ? "" : ` (default ${code(defaultValue)})`),
  ]);
  const rows = [...operands, ...options];
  return [
    `${"#".repeat(depth)} ${depth === 2 ? command.name : name.replace(/^constellation /, "")}`,
    `${command.summary}.`,
    `\`\`\`\n${name} ${command.usage}\n\`\`\``,
    ...(rows.length === 0 ? [] : [table(["option", "meaning"], rows)]),
    ...command.commands.flatMap((inner) => sections(inner, name, depth + 1)),
  ];
}
