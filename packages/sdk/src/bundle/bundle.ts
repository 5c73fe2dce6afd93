import { createHash } from "node:crypto";
import { accessSync, constants, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type ArtifactFormat, ConstellationError } from "@constellation/contract";
import type { BuildFailure, BuildOptions, BuildResult, Plugin } from "esbuild";
import { beginning, type BeginningOf } from "./beginning.ts";
import { buildFailed } from "./build-failed.ts";
import { nativePackages } from "./native-packages.ts";
import { sourcePlaces } from "./source-places.ts";
import { beginsStrict, isStrict } from "./strict-sources.ts";

/** A script with everything it imports, in one file. */
export interface Artifact {
  /** Name of the artifact: the SHA-256 of its bytes, in hex. */
  readonly sha256: string;
  readonly bytes: Uint8Array;
  /** Files that went into it, absolute; watch these. */
  readonly inputs: readonly string[];
}

/** What to bundle. */
export interface BundleInput {
  /** TypeScript or JavaScript file, absolute. */
  readonly entry: string;
  /** Working folder of the bundled program; `__dirname` and `import.meta.url` of its sources are found below it. */
  readonly folder: string;
  /** Where the program finds its folder: as its working folder, or at the same place as now. @default "working-folder" */
  readonly runsIn?: "working-folder" | "same-place";
  readonly plugins?: readonly Plugin[];
  /**
   * `program`: what runs by itself, CommonJS where its sources allow it, since that starts sooner. `module`: an ES module
   * that others import. @default "program"
   */
  readonly as?: "program" | "module";
}

type Built = BuildResult<ReturnType<typeof options>>;

/**
 * Bundles a script into one file for Node 20 and newer. The same sources give the same bytes, wherever the folder is.
 * A program becomes CommonJS, which needs no loader of modules and whose compiled form can be kept, unless a source awaits
 * at its top. Packages with native code stay where they are and are loaded from the folder when the program runs.
 *
 * @throws ConstellationError `script.unreadable`, `script.build-failed`
 */
export async function bundle(input: BundleInput): Promise<Artifact> {
  const entry = readableFile(input.entry);
  const folder = realFolder(input.folder);
  const begins = (format: ArtifactFormat): BeginningOf => ({
    format,
    strict: true,
    folder: input.runsIn === "same-place" ? folder : null,
    program: input.as === "module" ? null : relative(folder, entry),
    asked: true,
    imported: new Set(),
  });
  // Loading esbuild takes longer than most commands: only those that bundle pay for it.
  const { build } = await import("esbuild");
  try {
    const as = async (format: ArtifactFormat): Promise<Artifact> =>
      artifactOf(await build(options(entry, folder, input, begins(format))), { entry, folder }, begins(format));
    return input.as === "module" ? await as("module") : await preferCommonJs(as);
  } catch (error) {
    throw buildFailed(relative(folder, entry), folder, error);
  }
}

async function preferCommonJs(as: (format: ArtifactFormat) => Promise<Artifact>): Promise<Artifact> {
  try {
    return await as("commonjs");
  } catch (error) {
    const { errors = [] } = error as Partial<BuildFailure>;
    // With any other error, too: then they are all told as for the form that its author sees.
    if (errors.some(({ text }) => text.startsWith("Top-level await"))) return await as("module");
    throw error;
  }
}

/** Once it is built it is known how it must begin. */
function artifactOf(
  { outputFiles, metafile }: Built,
  { entry, folder }: Pick<BundleInput, "entry" | "folder">,
  begins: BeginningOf,
): Artifact {
  const built = outputFiles[0]?.contents ?? new Uint8Array();
  const { inputs, outputs } = metafile;
  const sources = Object.keys(inputs).filter((path) => !/^[\w-]+:/.test(path));
  const imported = new Set(Object.values(outputs).flatMap(({ imports }) => imports.map(({ path }) => path)));
  // The directive of the program itself no longer comes first.
  const strict =
    beginsStrict(readFileSync(entry, "utf8")) ||
    sources.some((path) => isStrict(resolve(folder, path), inputs[path]?.format));
  const provisional = Buffer.from(beginning(begins));
  if (!provisional.equals(built.subarray(0, provisional.length))) throw new Error("the bundle begins otherwise");
  const rest = built.subarray(provisional.length);
  const asked = Buffer.from(rest.buffer, rest.byteOffset, rest.length).includes("__constellationPlace(");
  const bytes = Buffer.concat([Buffer.from(beginning({ ...begins, strict, asked, imported })), rest]);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { sha256, bytes, inputs: sources.map((path) => resolve(folder, path)) };
}

function options(
  entry: string,
  folder: string,
  { runsIn = "working-folder", plugins = [], as = "program" }: BundleInput,
  begins: BeginningOf,
) {
  const places = sourcePlaces(folder, as === "program" ? entry : null);
  return {
    absWorkingDir: folder,
    entryPoints: [entry],
    outfile: resolve(folder, `${basename(entry)}.mjs`),
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: begins.format === "module" ? "esm" : "cjs",
    target: "node20",
    charset: "utf8",
    legalComments: "none",
    logLevel: "silent",
    sourcemap: "inline",
    sourcesContent: false,
    ...(runsIn === "same-place" ? { sourceRoot: `${pathToFileURL(folder).href}/` } : {}),
    define: {
      ...places.define,
      ...(as === "program" ? { "require.main.filename": "__constellationProgram.source" } : {}),
    },
    banner: { js: beginning(begins) },
    plugins: [...plugins, nativePackages(folder), places.plugin],
  } satisfies BuildOptions;
}

function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch (cause) {
    throw new ConstellationError("script.unreadable", `Cannot use the folder ${path}: ${wordsOf(cause, "folder")}`, {
      cause,
      remedy: "Correct `folder` of the app.",
    });
  }
}

function readableFile(path: string): string {
  try {
    accessSync(path, constants.R_OK);
    if (!statSync(path).isFile()) throw new Error("it is not a file");
    return realpathSync(path);
  } catch (cause) {
    throw new ConstellationError("script.unreadable", `Cannot read the script ${path}: ${wordsOf(cause, "file")}`, {
      cause,
      remedy: `Correct the path; it is looked for in ${dirname(path)}.`,
    });
  }
}

function wordsOf(error: unknown, what: "file" | "folder"): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ENOENT" ? `there is no such ${what}` : code === "EACCES" ? "it may not be read" : message;
}
