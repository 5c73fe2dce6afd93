import { readFile } from "node:fs/promises";
import { extname, relative } from "node:path";
import { type ArtifactFormat, commonJsMark } from "@constellation/contract";
import type { Loader, Plugin } from "esbuild";

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

/** What a source can ask of its own place, and whether it is the program; the name that this becomes in the bundle. */
const questions = {
  __dirname: "__constellationDirectory",
  __filename: "__constellationFile",
  "import.meta.dirname": "__constellationDirectory",
  "import.meta.filename": "__constellationFile",
  "import.meta.main": "__constellationMain",
  "import.meta.url": "__constellationUrl",
} as const;
const asked = /\b(?:__dirname|__filename|import\.meta)\b/;

/**
 * A bundled program lies elsewhere than its sources, yet `join(__dirname, "views")` must still mean the folder of that
 * source. Each source that asks gets its own answers, relative to where the program finds its folder.
 *
 * @param main the source that is the program; `null` when the bundle is imported by one
 */
export function sourcePlaces(
  folder: string,
  runsIn: "working-folder" | "same-place",
  format: ArtifactFormat,
  main: string | null,
): {
  readonly define: Record<string, string>;
  readonly banner: string;
  readonly plugin: Plugin;
} {
  const base = runsIn === "working-folder" ? "process.cwd()" : JSON.stringify(folder);
  return {
    define: { ...questions },
    banner: banner(base, format),
    plugin: {
      name: "source-places",
      setup(build) {
        build.onLoad({ filter: /\.[mc]?[jt]sx?$/, namespace: "file" }, async ({ path }) => {
          const text = await readFile(path, "utf8");
          if (!asked.test(text)) return undefined;
          const loader = loaders[extname(path)] ?? "js";
          return { contents: withAnswers(text, relative(folder, path), path === main), loader };
        });
      },
    },
  };
}

/** On the first line, after a `#!`, so that the lines of the source keep their numbers. */
function withAnswers(text: string, path: string, isMain: boolean): string {
  const answers = `const [__constellationDirectory, __constellationFile, __constellationUrl] = __constellationPlace(${JSON.stringify(path)}), __constellationMain = ${isMain};`;
  const interpreter = /^#!.*/.exec(text)?.[0] ?? "";
  return interpreter === "" ? answers + text : `${interpreter}\n${answers}${text.slice(interpreter.length + 1)}`;
}

interface Beginning {
  readonly imports: readonly string[];
  readonly require: string;
}

/** Where the answers come from, and what `require` is: bundled packages call it for Node's own modules. */
const beginnings: Readonly<Record<ArtifactFormat, Beginning>> = {
  module: {
    imports: [
      'import { createRequire as __constellationCreateRequire } from "node:module";',
      'import { dirname as __constellationDirname, join as __constellationJoin } from "node:path";',
      'import { pathToFileURL as __constellationToUrl } from "node:url";',
    ],
    require: "const require",
  },
  commonjs: {
    imports: [
      `${commonJsMark} const { createRequire: __constellationCreateRequire } = require("node:module");`,
      'const { dirname: __constellationDirname, join: __constellationJoin } = require("node:path");',
      'const { pathToFileURL: __constellationToUrl } = require("node:url");',
    ],
    require: "require",
  },
};

/** One line, so that stack traces without source maps stay readable. */
function banner(base: string, format: ArtifactFormat): string {
  const { imports, require } = beginnings[format];
  return [
    ...imports,
    `const __constellationBase = ${base};`,
    "const __constellationPlace = (path) => { const file = __constellationJoin(__constellationBase, path); return [__constellationDirname(file), file, __constellationToUrl(file).href]; };",
    'const __constellationRequire = (path) => __constellationCreateRequire(__constellationJoin(__constellationBase, path, "package.json"));',
    `${require} = __constellationRequire(".");`,
  ].join(" ");
}
