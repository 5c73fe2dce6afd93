/** What was thrown, as an error: JavaScript lets anything be thrown. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(textOf(thrown));
}

/** What was thrown as text, also where it has none: who tells of an end must not fail over it. */
export function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return "something that cannot be shown";
  }
}
