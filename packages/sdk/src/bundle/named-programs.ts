import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Loader } from "esbuild";

/** A TypeScript source that another source names: perhaps the program of a child or a thread, or what a pool imports. */
export interface NamedProgram {
  /** The file itself, absolute. */
  readonly source: string;
  /** Where the one that names it says it is, absolute: a link, or the JavaScript that a compiler would make of it. */
  readonly place: string;
  /** It is named in the very call that starts a child, a thread or a pool of them. */
  readonly isStarted: boolean;
}

/** What a source in JavaScript is compiled from, by its ending. */
const compiledFrom: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx"],
  ".jsx": [".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
};

const word = String.raw`(?:"[^"\\\n]*"|'[^'\\\n]*'|\x60[^\x60\\\n$]*\x60)`;
const ownUrl = String.raw`import\.meta\.url`;
// Bounded: what is looked for at every place of a text must not read on and on.
const pathOfUrl = String.raw`(?:\w{1,40}\.)?fileURLToPath\(\s*${ownUrl}\s*\)`;
const ownFile = String.raw`(?:__filename|import\.meta\.filename!?|${pathOfUrl})`;
const ownFolder = String.raw`\b(?:__dirname|import\.meta\.dirname!?|(?:\w{1,40}\.)?dirname\(\s*${ownFile}\s*\))`;

/** A way to name a file, which finds the words of its path; from the source that names it, or from the working folder. */
interface Way {
  readonly finds: RegExp;
  readonly placeOf: (words: readonly string[], path: string, folder: string) => string | null;
  /** The way is a call that starts a child or a thread. */
  readonly starts?: true;
}

const besideByUrl: Way["placeOf"] = ([url = ""], path) => placeOfUrl(url, path);
const beside: Way["placeOf"] = (words, path) => join(dirname(path), ...words);
const inWorkingFolder: Way["placeOf"] = (words, _, folder) => resolve(folder, ...words);
const wayOf = (finds: string, placeOf: Way["placeOf"]): Way => ({ finds: new RegExp(finds, "g"), placeOf });
const startOf = (finds: string): Way => ({ ...wayOf(finds, inWorkingFolder), starts: true });

const words = String.raw`${word}(?:\s*,\s*${word})*`;
const ways: readonly Way[] = [
  wayOf(String.raw`\bnew URL\(\s*(${word})\s*,\s*${ownUrl}\s*,?\s*\)`, besideByUrl),
  wayOf(String.raw`\bimport\.meta\.resolve\(\s*(${word})\s*,?\s*\)`, besideByUrl),
  wayOf(String.raw`\brequire\.resolve\(\s*(${word})\s*,?\s*\)`, beside),
  wayOf(String.raw`\b(?:join|resolve)\(\s*${ownFolder}\s*,\s*(${words})\s*,?\s*\)`, beside),
  wayOf(String.raw`${ownFolder}\s*\+\s*(${word})`, beside),
  wayOf(String.raw`\x60\$\{\s*${ownFolder}\s*\}(/[^\x60\\\n$]*\x60)`, beside),
  wayOf(
    String.raw`\b(?:path\.resolve\(|(?:join|resolve)\(\s*process\.cwd\(\)\s*,)\s*(${words})\s*,?\s*\)`,
    inWorkingFolder,
  ),
  startOf(String.raw`\b(?:new (?:\w+\.)?Worker|fork)\(\s*(${word})\s*[,)]`),
  startOf(
    String.raw`\b(?:spawn|execFile)(?:Sync)?\(\s*(?:(?:\w+\.)?execPath|["'\x60]node["'\x60])\s*,\s*\[\s*(${word})\s*[,\]]`,
  ),
  startOf(String.raw`\bsetup(?:Primary|Master)\(\s*\{[^{}]*?\bexec:\s*(${word})`),
];

/** Without these words there is nothing to be found. */
const mayName = /\.[mc]?[jt]sx?["'`]/;
const mayStart =
  /\b(?:__dirname|__filename|import\.meta|require\.resolve|Worker|fork|spawn(?:Sync)?|execFile(?:Sync)?|setup(?:Primary|Master))\b/;

/**
 * The TypeScript sources that a source names in words that stand there, and that exist.
 *
 * @param path of the source, absolute
 * @param folder the program's working folder
 */
export async function namedPrograms(
  path: string,
  text: string,
  loader: Loader,
  folder: string,
): Promise<NamedProgram[]> {
  if (!mayName.test(text) || !mayStart.test(text) || found(path, text, folder).length === 0) return [];
  const { transform } = await import("esbuild");
  try {
    // What is left is code alone, without comments and types, all written the same way.
    const { code } = await transform(text, { loader, minifyWhitespace: true, legalComments: "none", charset: "utf8" });
    return found(path, code, folder);
  } catch {
    // The build says what is wrong with it.
    return [];
  }
}

function found(path: string, text: string, folder: string): NamedProgram[] {
  return ways.flatMap(({ finds, placeOf, starts = false }) =>
    [...text.matchAll(finds)].flatMap(({ 1: literals = "", index }) => {
      const words = literals.split(/["'`]\s*,\s*["'`]/).map((each) => each.replaceAll(/^["'`]|["'`]$/g, ""));
      const place = placeOf(words, path, folder);
      const source = place === null ? null : sourceAt(place);
      if (place === null || source === null || source === path) return [];
      return [{ source, place, isStarted: starts || isArgument(text.slice(Math.max(0, index - callLength), index)) }];
    }),
  );
}

const startingCall = /\b(?:Worker|fork|spawn|spawnSync|execFile|execFileSync|setupPrimary|setupMaster|createPool)\(/g;
/** Characters in which a call begins that names a source as one of its arguments. */
const callLength = 300;

/** Whether a call that starts something is still open where a text ends. */
const isArgument = (before: string): boolean =>
  [...before.matchAll(startingCall)].some(({ 0: { length }, index }) => {
    let depth = 1;
    for (const letter of before.slice(index + length)) {
      depth += letter === "(" ? 1 : letter === ")" ? -1 : 0;
      if (depth === 0) return false;
    }
    return true;
  });

function placeOfUrl(url: string, path: string): string | null {
  try {
    const { protocol, href, search, hash } = new URL(url, pathToFileURL(path));
    return protocol === "file:" && search + hash === "" ? fileURLToPath(href) : null;
  } catch {
    return null;
  }
}

/** The TypeScript at a place: itself, or what would be compiled to the JavaScript that is not there. */
function sourceAt(place: string): string | null {
  const ending = extname(place);
  if (/^\.(?:[mc]?ts|tsx)$/.test(ending))
    return /\.d\.[mc]?ts$/.test(place) || !isFile(place) ? null : realpathSync(place);
  const originals = compiledFrom[ending];
  if (originals === undefined || existsSync(place)) return null;
  const original = originals.map((other) => place.slice(0, -ending.length) + other).find(isFile);
  return original === undefined ? null : realpathSync(original);
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
