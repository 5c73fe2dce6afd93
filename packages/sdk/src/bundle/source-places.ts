import { readFile } from "node:fs/promises";
import { extname, relative } from "node:path";
import type { Loader, OnLoadResult, Plugin } from "esbuild";
import { computedNames } from "./computed-names.ts";
import { withoutReact } from "./jsx.ts";
import { aboutModule } from "./own-module.ts";
import { beginsStrict } from "./strict-sources.ts";
import { TsConfigs } from "./tsconfig.ts";

const loaders: Readonly<Record<string, Loader>> = {
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
  ".js": "js",
  ".mjs": "js",
  ".cjs": "js",
  ".jsx": "jsx",
};

/** What a source can ask of its own place, the name that it becomes in the bundle, and the answer's name. */
const questions = {
  __dirname: ["__constellationDirectory", "dirname"],
  __filename: ["__constellationFile", "filename"],
  "import.meta.dirname": ["__constellationDirectory", "dirname"],
  "import.meta.filename": ["__constellationFile", "filename"],
  "import.meta.url": ["__constellationUrl", "url"],
  "import.meta": ["__constellationMeta", "meta"],
  "require.resolve": ["__constellationResolve", "resolve"],
} as const;
const asked =
  /\b(?:__dirname|__filename|import\s*\.\s*meta|require\s*\.\s*resolve|module\s*\.\s*(?:parent|filename))\b/;
const answers = [...new Map(Object.values(questions).map(([name, answer]) => [name, answer]))];

/** What the bundle is told of its sources, and tells. */
export interface SourcePlaces {
  readonly folder: string;
  /** Sources that are programs, and the expression that says whether each is the one that runs. */
  readonly programs: ReadonlyMap<string, string>;
  /** Hears each source that is read. */
  readonly read: (path: string, text: string, loader: Loader) => Promise<void>;
  /** What is taken in the place of a source, in the same language; null for the source itself. */
  readonly compiled: (path: string, text: string) => Promise<OnLoadResult | null>;
  /** What a source becomes whose calls name what is not there. */
  readonly resolved: (path: string, text: string) => string;
}

/**
 * A bundled program lies elsewhere than its sources, yet `join(__dirname, "views")` must still mean the folder of that
 * source. Each source that asks gets its own answers, relative to where the program finds its folder.
 */
export function sourcePlaces({ folder, programs, read, compiled, resolved }: SourcePlaces): {
  readonly define: Record<string, string>;
  readonly plugin: Plugin;
} {
  const configs = new TsConfigs();
  return {
    define: Object.fromEntries(Object.entries(questions).map(([question, [name]]) => [question, name])),
    plugin: {
      name: "source-places",
      setup(build) {
        build.onLoad({ filter: /\.[mc]?[jt]sx?$/, namespace: "file" }, async ({ path }) => {
          const source = await readFile(path, "utf8");
          const loader = loaders[extname(path)] ?? "js";
          await read(path, source, loader);
          const instead = await compiled(path, source);
          if (instead?.errors !== undefined) return instead;
          const original = instead === null ? source : String(instead.contents);
          const text = resolved(path, await computedNames(path, original, loader, folder));
          const isProgram = programs.get(path) ?? "false";
          const first = [
            ...(asked.test(text) ? [answerFor(relative(folder, path), isProgram)] : []),
            ...(isProgram === "true" ? [] : aboutModule(path, text, isProgram)),
            ...withoutReact(path, text, configs),
          ].join(" ");
          // A first line for the shell would stand before everything that is put before the bundle.
          if (first === "" && !text.startsWith("#!") && text === original) return instead;
          return { contents: before(text, first), loader };
        });
      },
    },
  };
}

function answerFor(path: string, isProgram: string): string {
  const names = answers.map(([name, answer]) => `${answer}: ${name}`).join(", ");
  return `const { ${names} } = __constellationPlace(${JSON.stringify(path)}, ${isProgram});`;
}

/** On the first line, so that lines keep their numbers, and a source that begins as strict stays it. */
function before(text: string, first: string): string {
  return `${beginsStrict(text) ? '"use strict"; ' : ""}${first}${text.startsWith("#!") ? "//" : ""}${text}`;
}
