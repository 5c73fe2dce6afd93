import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";
import { ConstellationError } from "@constellation/contract";
import type { OnResolveResult, Plugin } from "esbuild";

/** Packages whose only purpose is to find the native code of the package that depends on them. */
const nativeLoaders = [
  "bindings",
  "node-gyp-build",
  "node-gyp-build-optional-packages",
  "prebuild-install",
  "@mapbox/node-pre-gyp",
];
const maxDepth = 4;

/**
 * Leaves packages with native code out of the bundle: their `.node` files cannot be part of a text file.
 * The bundled program loads them from its folder, with the resolution of the source that imports them.
 */
export function nativePackages(folder: string): Plugin {
  const known = new Map<string, boolean>();
  const isNative = (root: string): boolean => {
    const answer = known.get(root) ?? hasNativeCode(root);
    known.set(root, answer);
    return answer;
  };
  return {
    name: "native-packages",
    setup(build) {
      build.onResolve({ filter: /\.node$/, namespace: "file" }, ({ path, resolveDir }) =>
        loadedAtRun(path, resolveDir, folder),
      );
      build.onResolve({ filter: /^[^./]/, namespace: "file" }, ({ path, resolveDir }) => {
        if (isBuiltin(path)) return undefined;
        const root = findPackage(packageName(path), resolveDir);
        return root !== null && isNative(root) ? loadedAtRun(path, resolveDir, folder, root) : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: "loaded-at-run" }, ({ path }) => ({
        contents: `module.exports = ${path};`,
        loader: "js",
      }));
    },
  };
}

function loadedAtRun(specifier: string, from: string, folder: string, root?: string): OnResolveResult {
  const place = relative(folder, root ?? from) || ".";
  if (place.startsWith("..")) {
    throw new ConstellationError(
      "script.build-failed",
      `Cannot build with ${specifier}: it has native code and lies in ${root ?? from}, outside the app's folder ${folder}`,
      { remedy: "Set `folder` of the app to a folder that contains its node_modules." },
    );
  }
  const call = `__constellationRequire(${JSON.stringify(relative(folder, from) || ".")})(${JSON.stringify(specifier)})`;
  return { path: call, namespace: "loaded-at-run" };
}

const packageName = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

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
