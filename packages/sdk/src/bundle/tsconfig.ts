import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

/** `compilerOptions` of a tsconfig.json, with those of what it extends. */
export type CompilerOptions = Readonly<Record<string, unknown>>;

interface Config {
  readonly extends?: unknown;
  readonly compilerOptions?: CompilerOptions;
}

const none: CompilerOptions = {};
/** More is a circle. */
const mostExtended = 20;

/** The settings of the tsconfig.json that is nearest above a folder, as esbuild finds it. */
export class TsConfigs {
  readonly #of = new Map<string, CompilerOptions>();

  above(folder: string): CompilerOptions {
    const known = this.#of.get(folder);
    if (known !== undefined) return known;
    const file = join(folder, "tsconfig.json");
    const parent = dirname(folder);
    const options = existsSync(file) ? optionsOf(file) : parent === folder ? none : this.above(parent);
    this.#of.set(folder, options);
    return options;
  }
}

/** What cannot be read is left to esbuild, which reads the same files and tells. */
function optionsOf(file: string, depth = 0): CompilerOptions {
  if (depth > mostExtended) return none;
  const config = read(file);
  const bases = [config.extends ?? []].flat().filter((base) => typeof base === "string");
  const inherited = bases.map((base) => fileOf(base, file)).map((base) => base && optionsOf(base, depth + 1));
  return Object.assign({}, ...inherited, config.compilerOptions) as CompilerOptions;
}

function read(file: string): Config {
  try {
    return (JSON.parse(plainJson(readFileSync(file, "utf8"))) ?? none) as Config;
  } catch {
    return none;
  }
}

/** As TypeScript finds it: a path with or without its ending, or a file of a package. */
function fileOf(base: string, from: string): string | null {
  if (/^\.{0,2}\//.test(base) || base === "." || base === "..") {
    const path = resolve(dirname(from), base);
    return (
      [path, `${path}.json`, join(path, "tsconfig.json")].find((each) => each.endsWith(".json") && existsSync(each)) ??
      null
    );
  }
  const require = createRequire(from);
  for (const name of [base, `${base}.json`, `${base}/tsconfig.json`])
    try {
      const found = require.resolve(name);
      if (found.endsWith(".json")) return found;
    } catch {
      // Not under this name.
    }
  return null;
}

/** Without comments and commas before a closing bracket, both of which a tsconfig.json may have. */
function plainJson(text: string): string {
  const string = /"(?:\\.|[^"\\])*"/.source;
  return text
    .replace(/^\uFEFF/, "")
    .replace(new RegExp(`(${string})|//[^\\n]*|/\\*[\\s\\S]*?\\*/`, "g"), (_, kept: string | undefined) => kept ?? "")
    .replace(new RegExp(`(${string})|,(?=\\s*[}\\]])`, "g"), (_, kept: string | undefined) => kept ?? "");
}
