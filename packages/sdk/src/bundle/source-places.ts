import { readFile } from "node:fs/promises";
import { extname, relative } from "node:path";
import type { Loader, Plugin } from "esbuild";
import { beginsStrict } from "./strict-sources.ts";

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

/**
 * A bundled program lies elsewhere than its sources, yet `join(__dirname, "views")` must still mean the folder of that
 * source. Each source that asks gets its own answers, relative to where the program finds its folder.
 *
 * @param main the source that is the program; null when another program imports the bundle
 */
export function sourcePlaces(
  folder: string,
  main: string | null,
): { readonly define: Record<string, string>; readonly plugin: Plugin } {
  return {
    define: Object.fromEntries(Object.entries(questions).map(([question, [name]]) => [question, name])),
    plugin: {
      name: "source-places",
      setup(build) {
        build.onLoad({ filter: /\.[mc]?[jt]sx?$/, namespace: "file" }, async ({ path }) => {
          const text = await readFile(path, "utf8");
          const first = [
            ...(asked.test(text) ? [answerFor(relative(folder, path), path === main)] : []),
            ...(path !== main && asksItsModule(path, text) ? [aboutModule] : []),
          ].join(" ");
          // A first line for the shell would stand before everything that is put before the bundle.
          if (first === "" && !text.startsWith("#!")) return undefined;
          return { contents: before(text, first), loader: loaders[extname(path)] ?? "js" };
        });
      },
    },
  };
}

function answerFor(path: string, isMain: boolean): string {
  const names = answers.map(([name, answer]) => `${answer}: ${name}`).join(", ");
  return `const { ${names} } = __constellationPlace(${JSON.stringify(path)}, ${isMain});`;
}

/** To esbuild a source of CommonJS that another one requires has a module of exports alone: `if (!module.parent)` would run it. */
const aboutModule = "module.parent ??= require.main ?? {}; module.filename ??= __filename;";
const asksItsModule = (path: string, text: string): boolean =>
  /\bmodule\s*\.\s*(?:parent|filename)\b/.test(text) &&
  !/^\.m[jt]s$/.test(extname(path)) &&
  !/^\s*(?:import|export)\b|\b(?:const|let|var|function|class)\s+module\b/m.test(text);

/** On the first line, so that lines keep their numbers, and a source that begins as strict stays it. */
function before(text: string, first: string): string {
  return `${beginsStrict(text) ? '"use strict"; ' : ""}${first}${text.startsWith("#!") ? "//" : ""}${text}`;
}
