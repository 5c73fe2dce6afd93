import type { LeaseAnswer } from "@constellation/contract";

type Fields = Readonly<Record<string, unknown>>;

const isText = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => typeof value === "number";
const all = <T>(value: unknown, is: (each: unknown) => each is T): value is T[] =>
  Array.isArray(value) && value.every(is);

/**
 * Reads what the daemon says to a run; undefined when it is nothing that this version knows. By hand, because the library
 * that the daemon's side is parsed with takes more memory than all of the guard.
 */
export function parseAnswer(line: string): LeaseAnswer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { kind, path, reason, ports, bounds, yields, runs } = value as Fields;
  if (kind === "prove" && isText(path)) return { kind, path };
  if ((kind === "waiting" || kind === "refused") && isText(reason)) return { kind, reason };
  if (kind === "admitted" && all(ports, isNumber) && all(bounds, isText)) return { kind, ports, bounds };
  if (kind === "yields" && typeof yields === "boolean") return { kind, yields };
  if (kind === "resume") return { kind };
  if (kind === "runs" && Array.isArray(runs))
    return { kind, runs: runs as Extract<LeaseAnswer, { kind: "runs" }>["runs"] };
  return undefined;
}
