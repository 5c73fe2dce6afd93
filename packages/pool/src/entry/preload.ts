import { readFileSync } from "node:fs";
import { createRequire, Module } from "node:module";
import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

type Load = (specifier: string) => Promise<unknown>;

/** Node's loader found nothing that it could load; what a module itself threw has other codes, as a rule. */
const notFound = new Set(["ERR_MODULE_NOT_FOUND", "ERR_PACKAGE_PATH_NOT_EXPORTED", "ERR_UNSUPPORTED_DIR_IMPORT"]);

/**
 * Loads modules as the file `from` would. Many packages have one build for `import` and one for `require`: the wrong one
 * would be loaded for nobody. Who can be loaded in one of the two ways only is loaded in that.
 */
export function preloader(from: string): Load {
  const file = from.startsWith("file:") ? fileURLToPath(from) : from;
  const resolver = createRequire(file);
  const byRequire: Load = async (specifier) => {
    const path = resolver.resolve(specifier);
    return import(isAbsolute(path) ? pathToFileURL(path).href : path);
  };
  const byImport = importAt(file);
  const [first, second] = isCommonJs(file) ? [byRequire, byImport] : [byImport, byRequire];
  return async (specifier) => {
    if (/^(?:node|file|data):/.test(specifier)) return import(specifier);
    if (isAbsolute(specifier)) return import(pathToFileURL(specifier).href);
    try {
      return await first(specifier);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return second(specifier).catch(() => Promise.reject(error));
    }
  };
}

/** `import` as the module at this path would do it: from ours it would look from here, and Node has no other that is no experiment. */
function importAt(path: string): Load {
  const module = new Module(path) as Module & { _compile(source: string, path: string): void };
  module._compile("module.exports = (specifier) => import(specifier)", path);
  return module.exports as Load;
}

/** As Node decides it: by the name of the file, or the `type` of its package. */
function isCommonJs(file: string): boolean {
  const kind = /\.([cm])[jt]s$/.exec(file)?.[1];
  if (kind !== undefined) return kind === "c";
  for (let directory = dirname(file); ; directory = dirname(directory)) {
    const manifest = readManifest(join(directory, "package.json"));
    if (manifest !== null || directory === dirname(directory)) return manifest?.type !== "module";
  }
}

function readManifest(path: string): { readonly type?: unknown } | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as { readonly type?: unknown };
  } catch {
    return null;
  }
}

function isNotFound(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "MODULE_NOT_FOUND" || notFound.has(code ?? "");
}
