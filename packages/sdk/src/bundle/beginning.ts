import { type ArtifactFormat, commonJsMarks } from "@constellation/contract";
import { fromCallers } from "./from-callers.ts";
import { lending, lentTo } from "./lending.ts";
import { startingItself, startsWith, whatItIs } from "./starting-itself.ts";

/** What a bundle begins with depends on this. */
export interface BeginningOf {
  readonly format: ArtifactFormat;
  /** Whether its sources are strict; an ES module always is. */
  readonly strict: boolean;
  /** Where it finds its folder: that path, or as its working folder (null). */
  readonly folder: string | null;
  /** The source that is the program, from there; null when another program imports the bundle. */
  readonly program: string | null;
  /** Further programs, by the places that name them, from there. */
  readonly further: ReadonlyMap<string, string>;
  /** Whether a source asks for its place. */
  readonly asked: boolean;
  /** Modules that are left to be found when it runs. */
  readonly imported: ReadonlySet<string>;
}

/** What sources ask of Node that only the bundle can answer; on one line, so that the lines of stack traces are right. */
export function beginning(begins: BeginningOf): string {
  const { format, strict, folder, program, further, asked, imported } = begins;
  const isTold = program !== null && startsWith(imported).length > 0;
  return [
    ...(format === "module"
      ? moduleImports
      : [strict ? commonJsMarks.strict : commonJsMarks.sloppy, ...commonJsImports]),
    ...(isTold ? [whatItIs(imported, format === "module" ? moduleRequire : "require")] : []),
    ...(further.size === 0 ? [] : [lentTo]),
    `const __constellationBase = ${folder === null ? workingFolder(isTold, further.size > 0) : JSON.stringify(folder)};`,
    ...(asked ? [place] : []),
    'const __constellationRequire = (path) => __constellationCreateRequire(__constellationJoin(__constellationBase, path, "package.json"));',
    // Bundled packages call it for Node's own modules.
    `${format === "module" ? "const require" : "require"} = __constellationRequire(".");`,
    ...(program === null ? [] : [programOf(program, begins), ...changesToNode(imported, placesOf(program, begins))]),
    ...(program === null || further.size === 0 ? [] : [lending(placesOf(program, begins), format)]),
  ].join(" ");
}

function changesToNode(imported: ReadonlySet<string>, places: ReadonlyMap<string, string>): readonly string[] {
  const changes = [startingItself(imported, places), fromCallers(imported)].filter((each) => each !== "");
  // For what is imported by name.
  return changes.length === 0 ? [] : [...changes, 'require("node:module").syncBuiltinESMExports();'];
}

const commonJsImports = [
  'const { createRequire: __constellationCreateRequire, isBuiltin: __constellationIsBuiltin } = require("node:module");',
  'const { dirname: __constellationDirname, join: __constellationJoin } = require("node:path");',
  'const { pathToFileURL: __constellationToUrl } = require("node:url");',
];
const moduleImports = [
  'import { createRequire as __constellationCreateRequire, isBuiltin as __constellationIsBuiltin } from "node:module";',
  'import { dirname as __constellationDirname, join as __constellationJoin } from "node:path";',
  'import { fileURLToPath as __constellationToPath, pathToFileURL as __constellationToUrl } from "node:url";',
];

const moduleRequire = "__constellationCreateRequire(import.meta.url)";

/** A child or a thread may have another working folder than the program that starts it. */
function workingFolder(isTold: boolean, isLent: boolean): string {
  const ways = [...(isLent ? ["__constellationLent?.folder"] : []), ...(isTold ? ["__constellationTold.folder"] : [])];
  return [...ways, "process.cwd()"].join(" ?? ");
}

const placesOf = (program: string, { further }: BeginningOf): ReadonlyMap<string, string> =>
  new Map([[program, program], ...further]);

/** The answers for one source: its folder, itself, its URL, its `require.resolve`, and the whole of its `import.meta`. */
const place = `const __constellationPlace = (path, main) => {
  const filename = __constellationJoin(__constellationBase, path);
  const dirname = __constellationDirname(filename);
  const url = __constellationToUrl(filename).href;
  const own = () => __constellationCreateRequire(filename);
  const required = Object.assign((...words) => own().resolve(...words), { paths: (name) => own().resolve.paths(name) });
  const resolve = (name) => {
    if (__constellationIsBuiltin(name)) return name.startsWith("node:") ? name : "node:" + name;
    const isPath = name.startsWith("/") || name.startsWith("./") || name.startsWith("../");
    return isPath || URL.canParse(name) ? new URL(name, url).href : __constellationToUrl(own().resolve(name)).href;
  };
  return { dirname, filename, url, resolve: required, meta: { __proto__: null, dirname, filename, main, resolve, url } };
};`.replace(/\s*\n\s*/g, " ");

/** What leads to the bundle may have links in it, so that its name alone is compared. */
function programOf(program: string, { format, further }: BeginningOf): string {
  const bundle = format === "module" ? "__constellationToPath(import.meta.url)" : "__filename";
  const first = JSON.stringify(program);
  const source = further.size === 0 ? first : `__constellationName || ${first}`;
  return [
    ...(further.size === 0
      ? []
      : [`const __constellationName = __constellationLent ? "" : __constellationTold.program ?? ${first};`]),
    `const __constellationProgram = { source: __constellationJoin(__constellationBase, ${source}), bundle: ${bundle} };`,
    `if (process.argv[1]?.endsWith(__constellationProgram.bundle.slice(__constellationProgram.bundle.lastIndexOf("/")))) process.argv[1] = __constellationProgram.source;`,
  ].join(" ");
}
