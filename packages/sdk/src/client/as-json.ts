import { ConstellationError, type RouteName } from "@constellation/contract";

/**
 * A body as JSON.
 *
 * @throws ConstellationError `spec.invalid` for what JSON has no form for: an object within itself, a BigInt, and what would
 * silently become something else, as NaN becomes null and a function nothing
 */
export function asJson(body: unknown, name: RouteName): string {
  try {
    return JSON.stringify(body, (key, value: unknown) => {
      const found = lostInJson(value);
      if (found !== null) throw new TypeError(`${key === "" ? "it" : key} is ${found}`);
      return value;
    });
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw new ConstellationError("spec.invalid", `Cannot ${name}: what was given cannot be written as JSON (${why})`, {
      cause,
      remedy: "Give texts, numbers, lists and plain objects; nothing was changed.",
    });
  }
}

/** What a value is that JSON would pass over without a word; undefined alone means "not given". */
function lostInJson(value: unknown): string | null {
  if (typeof value === "number") return Number.isFinite(value) ? null : String(value);
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  return value instanceof Map || value instanceof Set ? `a ${value.constructor.name}` : null;
}
