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
