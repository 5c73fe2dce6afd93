import type { ArtifactFormat } from "@constellation/contract";
import type { Plugin } from "esbuild";
import { moduleOfChildren, moduleOfClusters, moduleOfThreads, programOf } from "./starting-itself.ts";

const namespace = "starting-itself";
const modules: Readonly<Record<string, string>> = {
  child_process: moduleOfChildren,
  cluster: moduleOfClusters,
  worker_threads: moduleOfThreads,
  programOf,
};

/** How a bundle learns its own path, in a thread and a child of it, too. */
const ownPath: Readonly<Record<ArtifactFormat, { readonly imports: string; readonly path: string }>> = {
  commonjs: { imports: "", path: "__filename" },
  module: {
    imports: 'import { fileURLToPath as __constellationToPath } from "node:url"; ',
    path: "__constellationToPath(import.meta.url)",
  },
};

/**
 * To its author the program is the source that the app names, not its bundle: `process.argv[1]` is the source, and a
 * child or a thread that is to run the source runs the bundle.
 *
 * @param entry the source, relative to the folder that the program finds
 */
export function ownProgram(
  entry: string,
  format: ArtifactFormat,
): { readonly banner: string; readonly plugin: Plugin } {
  return {
    banner: banner(entry, format),
    plugin: {
      name: "own-program",
      setup(build) {
        // Only of sources: what stands in for these modules asks for Node's own.
        const filter = /^(?:node:)?(?:child_process|cluster|worker_threads)$/;
        build.onResolve({ filter, namespace: "file" }, ({ path }) => ({ path: path.replace("node:", ""), namespace }));
        build.onResolve({ filter: /^programOf$/, namespace }, ({ path }) => ({ path, namespace }));
        build.onLoad({ filter: /.*/, namespace }, ({ path }) => ({ contents: modules[path] ?? "", loader: "js" }));
      },
    },
  };
}

/** On the line of the other banner. Whoever imports a bundle stays the program; what leads to it may have links in it. */
function banner(entry: string, format: ArtifactFormat): string {
  const { imports, path } = ownPath[format];
  return [
    `${imports}const __constellationProgram = { source: __constellationJoin(__constellationBase, ${JSON.stringify(entry)}), bundle: ${path} };`,
    "if (process.argv[1]?.endsWith(__constellationProgram.bundle.slice(__constellationProgram.bundle.lastIndexOf('/')))) process.argv[1] = __constellationProgram.source;",
  ].join(" ");
}
