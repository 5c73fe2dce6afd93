import { dirname, relative } from "node:path";
import type { BuildFailure, Loader, Message } from "esbuild";
import { isInPackage } from "./in-package.ts";

/** A call whose first argument begins as no text does. */
const mayBeComputed = /\b(?:require|import)\s*\(\s*(?!["'`)\s])/;
const calls = { "unsupported-require-call": "require", "unsupported-dynamic-import": "import" } as const;

/**
 * A source whose calls of `require` and `import()` look from itself where their names are only known when they run, as Node
 * does: they would look from the app's folder, and from the bundle. Packages name what they import so by whole paths.
 *
 * @param path of the source, absolute
 * @param folder the program's working folder; sources outside of it may not be there when it runs
 */
export async function computedNames(path: string, text: string, loader: Loader, folder: string): Promise<string> {
  const source = relative(folder, path);
  if (!mayBeComputed.test(text) || source.startsWith("..")) return text;
  const isOwn = !isInPackage(path);
  const found = (await computedCalls(text, loader)).filter(({ id }) => isOwn || id === "unsupported-require-call");
  if (found.length === 0) return text;
  const instead = {
    require: `__constellationRequire(${JSON.stringify(dirname(source))})`,
    import: `((path, options) => import(__constellationPlace(${JSON.stringify(source)}, false).meta.resolve(String(path)), options))`,
  };
  const bytes = Buffer.from(text);
  const parts: Uint8Array[] = [];
  let done = 0;
  for (const { id, at } of found) {
    const word = calls[id];
    // Of a call with two arguments it may be the second that is told.
    if (bytes.toString("latin1", at, at + word.length) !== word) continue;
    parts.push(bytes.subarray(done, at), Buffer.from(instead[word]));
    done = at + word.length;
  }
  return Buffer.concat([...parts, bytes.subarray(done)]).toString();
}

interface ComputedCall {
  readonly id: keyof typeof calls;
  /** Where its first word is, in bytes. */
  readonly at: number;
}

/** Only a compiler knows which are calls, and whether `require` is Node's. */
async function computedCalls(text: string, loader: Loader): Promise<ComputedCall[]> {
  const { build } = await import("esbuild");
  const starts = lineStarts(text);
  const warnings = await build({
    stdin: { contents: text, loader },
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    logLevel: "silent",
    logOverride: { "unsupported-require-call": "warning", "unsupported-dynamic-import": "warning" },
    // Many things are no concern of this.
    logLimit: 0,
    plugins: [
      { name: "nothing-else", setup: (own) => own.onResolve({ filter: /.*/ }, () => ({ path: "-", external: true })) },
    ],
  }).then(
    ({ warnings }) => warnings,
    (error: unknown) => (error as Partial<BuildFailure>).warnings ?? [],
  );
  return warnings
    .filter((warning): warning is Message & { readonly id: ComputedCall["id"] } => warning.id in calls)
    .flatMap(({ id, location }) =>
      location === null ? [] : [{ id, at: (starts[location.line - 1] ?? 0) + location.column }],
    )
    .sort((a, b) => a.at - b.at);
}

/** Where lines begin, in bytes; they end as JavaScript says, which counts two more signs than others do. */
function lineStarts(text: string): number[] {
  const starts = [0];
  let bytes = 0;
  let from = 0;
  for (const { 0: end, index } of text.matchAll(/\r\n|[\n\r\u2028\u2029]/g)) {
    bytes += Buffer.byteLength(text.slice(from, index + end.length));
    from = index + end.length;
    starts.push(bytes);
  }
  return starts;
}
