import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";

const reference = /new URL\(\s*(["'`])([^"'`]+)\1\s*,\s*import\.meta\.url/g;

/**
 * Files that sources find beside themselves by `new URL("…", import.meta.url)`: launchers, preloads, workers. In the bundle
 * every source keeps a place of its own below `programs`, laid out as in the repository, and what it refers to is put there.
 * `sources`: whose references are meant.
 */
export function companions(root, programs, sources = /packages\/[^/]+\/src\/.*\.ts$/) {
  const packages = join(root, "packages");
  /** Absolute path in the repository -> where it goes. */
  const wanted = new Map();

  const plugin = {
    name: "companions",
    setup(build) {
      build.onLoad({ filter: sources }, async ({ path }) => {
        const text = await readFile(path, "utf8");
        if (!text.includes("import.meta.url")) return undefined;
        for (const [, , specifier] of text.matchAll(reference)) want(path, specifier);
        const place = relative(packages, path).split(sep).join("/");
        const url = `new URL(${JSON.stringify(`./programs/${place}`)}, import.meta.url).href`;
        return { contents: text.replaceAll("import.meta.url", url), loader: "ts" };
      });
    },
  };

  /** Of a template only the folder before its first value is known: all of it goes along. */
  function want(source, specifier) {
    const fixed = specifier.split("${")[0];
    const known = fixed === specifier ? specifier : fixed.slice(0, fixed.lastIndexOf("/") + 1);
    const target = join(dirname(source), known);
    wanted.set(target, { to: join(programs, relative(packages, target)), source });
  }

  async function copy(bundle) {
    for (const [from, { to, source }] of wanted) {
      mkdirSync(dirname(to), { recursive: true });
      const compiled = /packages\/([^/]+)\/dist\/(.*)\.js$/.exec(from);
      const entry = compiled === null ? null : join(packages, compiled[1], "src", `${compiled[2]}.ts`);
      if (entry !== null && existsSync(entry)) await bundle(entry, to);
      else if (existsSync(from))
        for (const [file, place] of withRequired(from, to)) cpSync(file, place, { recursive: true, filter: isSource });
      else throw new Error(`${relative(root, source)} refers to ${relative(root, from)}, which is not there`);
    }
    return wanted.size;
  }

  return { plugin, copy };
}

/** Python leaves what it compiled beside the sources. */
function isSource(path) {
  return !path.includes("__pycache__");
}

/** A file and what it requires by relative paths, each with the place it goes to. */
function withRequired(from, to, found = new Map()) {
  if (found.has(from)) return found;
  found.set(from, to);
  if (!/\.c?js$/.test(from)) return found;
  for (const [, specifier] of readFileSync(from, "utf8").matchAll(/require\(["'](\.[^"']+)["']\)/g)) {
    const target = [specifier, `${specifier}.cjs`, `${specifier}.js`]
      .map((path) => join(dirname(from), path))
      .find((path) => existsSync(path));
    if (target === undefined) throw new Error(`${from} requires ${specifier}, which is not there`);
    withRequired(target, join(dirname(to), relative(dirname(from), target)), found);
  }
  return found;
}
