/**
 * Fills `$PORT` and `${NAME}` in a command with the instance's environment. A name that it does not have is left as
 * written: it may be a shell's own.
 */
export function fillCommand(argv: readonly string[], environment: Readonly<Record<string, string>>): string[] {
  const valueOf = (name: string): string | undefined =>
    Object.hasOwn(environment, name) ? environment[name] : undefined;
  return argv.map((word) =>
    word.replaceAll(
      /\$PORT(?![A-Za-z0-9_])|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g,
      (written: string, name: string | undefined) => valueOf(name ?? "PORT") ?? written,
    ),
  );
}
