import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";
import { ConstellationError } from "@constellation/contract";
import type { ImportKind, OnResolveResult, Plugin } from "esbuild";
import { isInPackage } from "./in-package.ts";
import { packageName } from "./package-name.ts";
import { isStrict } from "./strict-sources.ts";

/** Packages whose only purpose is to find the native code of the package that depends on them. */
const nativeLoaders = [
  "bindings",
  "node-gyp-build",
  "node-gyp-build-optional-packages",
  "prebuild-install",
  "@mapbox/node-pre-gyp",
];
const maxDepth = 4;
/** Calls that ask for a module when they are reached, which may be never. */
const whenReached: ReadonlySet<ImportKind> = new Set<ImportKind>(["require-call", "require-resolve", "dynamic-import"]);
/** Calls that get an ES module as it is. */
const importing: ReadonlySet<ImportKind> = new Set<ImportKind>(["import-statement", "dynamic-import"]);
/** Where a program finds its folder: as its working folder, or at the same place as now. */
export type RunsIn = "working-folder" | "same-place";

const looking = Symbol("looking whether it is there");

/**
 * Leaves packages out of the bundle: those with native code, whose `.node` files cannot be part of a text file, and those that
 * are named as external. The bundled program loads them from its folder, with the resolution of the source that imports them.
 *
 * @param external names of packages; `*` stands for any letters
 * @param runsIn where it runs: in an instance, which sees the app's folder alone, or here
 */
export function packagesOutside(
  folder: string,
  external: readonly string[],
  runsIn: RunsIn = "working-folder",
): Plugin {
  const isExternal = matcherOf(external);
  const loadedAtRun = loadedFrom(folder, runsIn);
  const known = new Map<string, boolean>();
  const isNative = (root: string): boolean => {
    const answer = known.get(root) ?? hasNativeCode(root);
    known.set(root, answer);
    return answer;
  };
  return {
    name: "packages-outside",
    setup(build) {
      build.onResolve({ filter: /\.node$/, namespace: "file" }, ({ path, resolveDir }) =>
        loadedAtRun(path, resolveDir),
      );
      build.onResolve(
        { filter: /^[^./]/, namespace: "file" },
        async ({ path, resolveDir, importer, kind, pluginData }) => {
          if (isBuiltin(path) || pluginData === looking) return undefined;
          const name = packageName(path);
          const root = findPackage(name, resolveDir);
          if (root !== null && isExternal(name, root)) {
            const outside = loadedAtRun(path, resolveDir, root, "it is `external`");
            if (!importing.has(kind)) return outside;
            const found = await build.resolve(path, { resolveDir, importer, kind, pluginData: looking });
            return isStrict(found.path, undefined) ? { ...outside, namespace: "imported-at-run" } : outside;
          }
          if (root !== null) return isNative(root) ? loadedAtRun(path, resolveDir, root) : undefined;
          if (!isInPackage(importer) || !whenReached.has(kind)) return undefined;
          const { errors } = await build.resolve(path, { resolveDir, importer, kind, pluginData: looking });
          return errors.length === 0 ? undefined : missingAtRun(path, resolveDir, folder);
        },
      );
      build.onLoad({ filter: /.*/, namespace: "loaded-at-run" }, ({ path }) => ({
        contents: `module.exports = ${path};`,
        loader: "js",
      }));
      // What requires an ES module gets its exports, of which one is the default; what imports it, only that one.
      build.onResolve({ filter: /.*/, namespace: "imported-at-run" }, ({ path }) => ({
        path,
        namespace: "loaded-at-run",
      }));
      build.onLoad({ filter: /.*/, namespace: "imported-at-run" }, ({ path }) => {
        const from = JSON.stringify(path);
        return {
          contents: `export * from ${from}; import * as all from ${from}; export default all.default;`,
          loader: "js",
        };
      });
    },
  };
}

/** Packages of one's own that are linked there are sources, to which `*` does not reach. */
function matcherOf(external: readonly string[]): (name: string, root: string) => boolean {
  if (external.length === 0) return () => false;
  const patterns = external.filter((each) => each.includes("*"));
  const any = new RegExp(
    `^(?:${patterns.map((each) => each.replaceAll(".", "\\.").replaceAll("*", ".*")).join("|")})$`,
  );
  return (name, root) => external.includes(name) || (patterns.length > 0 && any.test(name) && isInPackage(root));
}

const loadedFrom =
  (folder: string, runsIn: RunsIn) =>
  (specifier: string, from: string, root = from, why = "it has native code"): OnResolveResult => {
    if (runsIn === "working-folder" && relative(folder, root).startsWith(".."))
      throw new ConstellationError(
        "script.build-failed",
        `Cannot build with ${specifier}: ${why} and lies in ${root}, outside the app's folder ${folder}`,
        { remedy: "Set `folder` of the app to a folder that contains its node_modules." },
      );
    return { path: requireCall(specifier, relative(folder, from)), namespace: "loaded-at-run" };
  };

/** What a package can do without, which its user has not installed: asked for, it is not found, as Node would say. */
function missingAtRun(specifier: string, from: string, folder: string): OnResolveResult {
  const place = relative(folder, from);
  return { path: requireCall(specifier, place.startsWith("..") ? "" : place), namespace: "loaded-at-run" };
}

const requireCall = (specifier: string, place: string): string =>
  `__constellationRequire(${JSON.stringify(place || ".")})(${JSON.stringify(specifier)})`;

/** Node's own way: the nearest `node_modules` above that has it. */
function findPackage(name: string, from: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const root = join(folder, "node_modules", name);
    // A link out of the app's folder leads nowhere inside an instance.
    if (existsSync(join(root, "package.json"))) return realpathSync(root);
    if (dirname(folder) === folder) return null;
  }
}

function hasNativeCode(root: string): boolean {
  const manifest = readManifest(root);
  const dependencies = Object.keys(manifest.dependencies ?? {});
  if (manifest.gypfile === true || dependencies.some((name) => nativeLoaders.includes(name))) return true;
  if (holdsNodeFile(root, maxDepth)) return true;
  // Prebuilt code for each platform comes as optional dependencies.
  return Object.keys(manifest.optionalDependencies ?? {}).some((name) => {
    const platform = findPackage(name, root);
    return platform !== null && holdsNodeFile(platform, maxDepth);
  });
}

function holdsNodeFile(folder: string, depth: number): boolean {
  const entries = readdirSync(folder, { withFileTypes: true });
  if (entries.some((entry) => entry.isFile() && entry.name.endsWith(".node"))) return true;
  if (depth === 0) return false;
  return entries.some(
    (entry) =>
      entry.isDirectory() && entry.name !== "node_modules" && holdsNodeFile(join(folder, entry.name), depth - 1),
  );
}

interface Manifest {
  readonly gypfile?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function readManifest(root: string): Manifest {
  try {
    return JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
  } catch {
    return {};
  }
}
