/** Names of what text means; the colours follow from it. */
export type Meaning = "good" | "bad" | "warning" | "dim" | "strong" | "link";

/** Dresses text in the colour of its meaning. */
export type Style = (meaning: Meaning, text: string) => string;

const codes: Record<Meaning, readonly [number, number]> = {
  good: [32, 39],
  bad: [31, 39],
  warning: [33, 39],
  dim: [2, 22],
  strong: [1, 22],
  link: [36, 39],
};

/** A style that colours, or one that leaves text as it is. */
export function styleFor(color: boolean): Style {
  if (!color) return (_, text) => text;
  return (meaning, text) => {
    const [on, off] = codes[meaning];
    return text === "" ? "" : `\u001b[${on}m${text}\u001b[${off}m`;
  };
}

const palette = [36, 35, 34, 33, 32, 96, 95, 94] as const;

/** A colour that stays with a name, to tell the lines of several instances apart. */
export function colorOfName(name: string, color: boolean): string {
  if (!color) return name;
  let sum = 0;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return `\u001b[${palette[sum % palette.length]}m${name}\u001b[39m`;
}
