import type { ConstellationError } from "@constellation/sdk";
import type { Context } from "./context.ts";

/** Names further apart are not taken for each other. */
const maxDistance = 2;
const askMs = 500;

/** For a name that is not there: the nearest one that is, as a remedy; for that of an instance its app. */
export async function suggestName(
  error: ConstellationError,
  argv: readonly string[],
  context: Context,
): Promise<string | null> {
  if (error.code !== "app.not-found" && error.code !== "instance.not-found") return null;
  try {
    const client = await context.client({ start: false });
    const signal = AbortSignal.timeout(askMs);
    const { apps, instances } = await client.snapshot({ signal });
    const names = [...apps, ...instances].map(({ name }) => name);
    const instance = instances.find(({ name }) => argv.includes(name));
    if (error.code === "app.not-found" && instance !== undefined)
      return `${instance.name} is an instance, and this is done to apps: name ${instance.app}.`;
    const near = argv.slice(1).flatMap((word) => nearest(word.split("=")[0] ?? "", names) ?? [])[0];
    return near === undefined ? null : `Did you mean ${near}? \`constellation ps\` lists what there is.`;
  } catch {
    // The first failure is what the user must hear of; without a daemon there is nothing to suggest.
    return null;
  }
}

/** The nearest other name, or `null` when none is near. */
export function nearest(word: string, names: readonly string[]): string | null {
  if (word === "" || names.includes(word)) return null;
  const scored = names
    .map((name) => ({ name, distance: distance(word, name) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = scored;
  return best !== undefined && best.distance <= Math.min(maxDistance, word.length - 1) ? best.name : null;
}

/** Edits between two words, a swap of neighbours being one (optimal string alignment; Damerau 1964). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  const cell = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j += 1) {
      const change = cell(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? cell(i - 2, j - 2) + 1 : Infinity;
      row.push(Math.min(change, swap, cell(i - 1, j) + 1, cell(i, j - 1) + 1));
    }
  }
  return cell(a.length, b.length);
}
