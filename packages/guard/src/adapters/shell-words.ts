type Environment = Readonly<Record<string, string | undefined>>;

/** What a script is made of: what ends a command, a redirection (its target is the next word), a word. */
const token =
  /(&&|\|\||;|\n|&(?!>))|(\|&?)|(\d*(?:>>|>&|<&|>|<)|&>>?)|((?:[^\s"'\\;&|<>]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+)/gs;

/** The commands of a script, as it words them; pipes stay whole. */
export function splitCommands(script: string): string[] {
  const commands: string[] = [];
  let from = 0;
  for (const { 1: end, index } of script.matchAll(token)) {
    if (end === undefined) continue;
    commands.push(script.slice(from, index));
    from = index + end.length;
  }
  return [...commands, script.slice(from)].map((command) => command.trim()).filter((command) => command !== "");
}

/**
 * Words of the first program of a command as a shell splits them. Variables are put in from the environment; what follows a
 * pipe, and where output goes to, is not part of it.
 */
export function splitWords(command: string, environment: Environment = process.env): string[] {
  const words: string[] = [];
  let isTarget = false;
  for (const [, end, pipe, redirection, word] of command.matchAll(token)) {
    if (end !== undefined || pipe !== undefined) break;
    if (word !== undefined && !isTarget) words.push(...expand(word, environment));
    isTarget = redirection !== undefined;
  }
  return words;
}

const variable = String.raw`\$([A-Za-z_]\w*)|\$\{([A-Za-z_]\w*)(?::?-([^}]*))?\}`;
const quoted = new RegExp(String.raw`\\(["\\$\x60])|${variable}`, "gs");
const parts = new RegExp(String.raw`"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)|${variable}`, "gs");
const alone = new RegExp(`^(?:${variable})$`);

function expand(word: string, environment: Environment): string[] {
  const valueOf = (bare?: string, braced?: string, otherwise = ""): string =>
    environment[bare ?? braced ?? ""] || otherwise;
  // A variable without quotes may be several words, or none.
  const [isAlone, ...names] = alone.exec(word) ?? [];
  if (isAlone !== undefined)
    return valueOf(...names)
      .split(/\s+/)
      .filter(Boolean);
  const text = word.replaceAll(parts, (_, double?: string, single?: string, escaped?: string, ...rest: string[]) => {
    const inside = double?.replaceAll(
      quoted,
      (__, plain?: string, ...more: string[]) => plain ?? valueOf(...more.slice(0, 3)),
    );
    return inside ?? single ?? escaped ?? valueOf(...rest.slice(0, 3));
  });
  return [text];
}
