/** The non-negative whole number that a text is, or undefined; "max", "", "-1" and words are undefined. */
export function parseUnsigned(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const trimmed = text.trim();
  if (!/^\d{1,20}$/.test(trimmed)) return undefined;
  return Number(trimmed);
}
