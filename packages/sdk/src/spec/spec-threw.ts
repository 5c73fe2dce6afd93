import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ConstellationError } from "@constellation/contract";
import { sourceMapOf, sourcePlace } from "../sources/source-map.ts";

/** A bundled spec: where it ran and where it came from. */
export interface BundledSpec {
  /** The user's file. */
  readonly path: string;
  readonly folder: string;
  /** File that was imported. */
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** A spec whose code threw, with the place in the user's own files. */
export function specThrew(spec: BundledSpec, thrown: unknown): ConstellationError {
  if (thrown instanceof ConstellationError) return thrown;
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  const place = thrown instanceof Error ? placeIn(thrown.stack ?? "", spec) : null;
  return new ConstellationError(
    "spec.unreadable",
    `The spec ${relative(process.cwd(), spec.path)} threw ${message}${place === null ? "" : ` at ${place}`}`,
    { cause: thrown, remedy: "Correct the file; nothing was changed." },
  );
}

/** The first frame of a stack in the user's sources; where Node does not apply source maps, by the map of the bundle. */
function placeIn(stack: string, { file, folder, bytes }: BundledSpec): string | null {
  const mapped = stack.split(`${folder}/`)[1]?.match(/^\S+?:\d+:\d+/)?.[0];
  if (mapped !== undefined) return relative(process.cwd(), resolve(folder, mapped));
  const at = stack.indexOf(`${file}:`);
  const [, line, column] = (at < 0 ? null : /^:(\d+):(\d+)/.exec(stack.slice(at + file.length))) ?? [];
  const map = sourceMapOf(bytes);
  if (line === undefined || column === undefined || map === null) return null;
  const place = sourcePlace(map, Number(line), Number(column));
  if (place === null) return null;
  const source = place.source.startsWith("file:") ? fileURLToPath(place.source) : place.source;
  return `${relative(process.cwd(), resolve(folder, source))}:${place.line}:${place.column}`;
}
