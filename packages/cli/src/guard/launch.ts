import type { CoordinationOptions } from "@constellation/guard";

/** How the daemon starts this very command again, to go on where it was stopped, when its terminal is gone. */
export function launchOf(argv: readonly string[], cwd: string): NonNullable<CoordinationOptions["launch"]> {
  const [program = process.execPath, script = "", ...words] = argv;
  const separator = words.indexOf("--");
  const own = separator < 0 ? words : words.slice(0, separator);
  const rest = separator < 0 ? [] : words.slice(separator);
  const resumed = own.includes("--resume") ? own : [...own, "--resume"];
  const environment = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  return { program, args: [...process.execArgv, script, ...resumed, ...rest], cwd, environment };
}
