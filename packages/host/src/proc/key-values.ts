/**
 * Numbers of a kernel "name value" table, one pair a line, with an optional colon and an optional unit "kB"
 * (turned into bytes). Lines of any other shape are left out.
 */
export function parseKeyValues(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^([A-Za-z_][\w()]*):?\s+(\d{1,20})(?:\s+(kB))?\s*$/.exec(line);
    if (match === null) continue;
    const [, name, digits, unit] = match;
    values.set(name as string, Number(digits) * (unit === "kB" ? 1024 : 1));
  }
  return values;
}
