/** The unsigned number after a key at a line's start, or undefined. */
export function numberAfter(text: string, key: string): number | undefined {
  let at = text.startsWith(key) ? 0 : text.indexOf(`\n${key}`);
  if (at < 0) return undefined;
  if (at > 0) at += 1;
  const value = Number.parseInt(text.slice(at + key.length, at + key.length + 20), 10);
  return Number.isNaN(value) || value < 0 ? undefined : value;
}

/** Leaves out the fields that are not counted here. */
export function present<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/** As `numberAfter`, on bytes: nothing is allocated. The key is Latin-1 text with its separator; more blanks may follow. */
export function numberAfterBytes(bytes: Buffer, key: string): number | undefined {
  let at = bytes.indexOf(key, 0, "latin1");
  while (at > 0 && bytes[at - 1] !== 10) at = bytes.indexOf(key, at + 1, "latin1");
  if (at < 0) return undefined;
  let value = 0;
  let digits = 0;
  let start = at + key.length;
  while (bytes[start] === 32) start += 1;
  for (let index = start; index < bytes.length; index++, digits++) {
    const digit = (bytes[index] as number) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return digits === 0 ? undefined : value;
}
