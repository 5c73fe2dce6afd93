import { createHash } from "node:crypto";
import { accessSync, constants, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type ArtifactFormat, ConstellationError } from "@constellation/contract";
import type { BuildFailure, BuildOptions, BuildResult, Plugin } from "esbuild";
import { beginning, type BeginningOf } from "./beginning.ts";
import { buildFailed } from "./build-failed.ts";
import { DecoratorMetadata } from "./decorator-metadata.ts";
import { withClassNames } from "./class-names.ts";
import { FurtherPrograms } from "./further-programs.ts";
import { LateNames } from "./late-names.ts";
import { withModuleExports } from "./module-exports.ts";
import { packagesOutside, type RunsIn } from "./packages-outside.ts";
import { sourcePlaces } from "./source-places.ts";
import { startsWith } from "./starting-itself.ts";
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
  readonly runsIn?: RunsIn;
  readonly plugins?: readonly Plugin[];
  /**
   * `program`: what runs by itself, CommonJS where its sources allow it, since that starts sooner. `module`: an ES module
   * that others import. @default "program"
   */
  readonly as?: "program" | "module";
  /** Packages that stay where they are, as those with native code do; `*` stands for any letters of a name. */
  readonly external?: readonly string[];
}

type Built = BuildResult<ReturnType<typeof options>>;

/**
 * Bundles a script into one file for Node 20 and newer. The same sources give the same bytes, wherever the folder is.
 * A program becomes CommonJS, which needs no loader of modules and whose compiled form can be kept, unless a source awaits
 * at its top. TypeScript that it names as the program of a thread or a child becomes part of it. Packages with native code
 * stay where they are and are loaded from the folder when the program runs.
 *
 * @throws ConstellationError `script.unreadable`, `script.build-failed`
 */
export async function bundle(input: BundleInput): Promise<Artifact> {
  const entry = readableFile(input.entry);
  const folder = realFolder(input.folder);
  const metadata = new DecoratorMetadata(folder);
  const from = {
    ...input,
    entry,
    folder,
    metadata,
    further: new FurtherPrograms(entry, folder),
    late: new LateNames(folder),
  };
  try {
    return input.as === "module"
      ? await builtAs("module", from)
      : await preferCommonJs((format) => builtAs(format, from));
  } catch (error) {
    throw buildFailed(relative(folder, entry), folder, error, metadata.original);
  }
}

interface Sources extends BundleInput {
  readonly further: FurtherPrograms;
  readonly late: LateNames;
  readonly metadata: DecoratorMetadata;
}

/** Again as long as what was built names further programs. */
async function builtAs(format: ArtifactFormat, from: Sources): Promise<Artifact> {
  // Loading esbuild takes longer than most commands: only those that bundle pay for it.
  const { build } = await import("esbuild");
  const { folder, plugins = [], external = [], further, late } = from;
  for (;;) {
    const begins = beginsAs(format, from);
    try {
      const built = await build(options(from, begins));
      const imported = importedBy(built, external);
      const isWhole = from.as === "module" || startsWith(imported).length === 0 || !further.take();
      if (isWhole) return artifactOf(built, from, { ...begins, imported });
    } catch (error) {
      if (awaitsAtTop(error)) throw error;
      if (late.take(error)) continue;
      const alone = (source: string): Promise<unknown> =>
        build({
          ...plainOptions(folder),
          entryPoints: [source],
          format: "esm",
          plugins: [...plugins, packagesOutside(folder, external)],
        });
      if (!(await further.leaveOut(alone))) throw error;
    }
  }
}

const beginsAs = (format: ArtifactFormat, { entry, folder, runsIn, as, further }: Sources): BeginningOf => ({
  format,
  strict: true,
  folder: runsIn === "same-place" ? folder : null,
  program: as === "module" ? null : relative(folder, entry),
  further: further.places,
  asked: true,
  imported: new Set(),
});

async function preferCommonJs(as: (format: ArtifactFormat) => Promise<Artifact>): Promise<Artifact> {
  try {
    return await as("commonjs");
  } catch (error) {
    // With any other error, too: then they are all told as for the form that its author sees.
    if (awaitsAtTop(error)) return await as("module");
    throw error;
  }
}

const awaitsAtTop = (error: unknown): boolean =>
  ((error as Partial<BuildFailure>).errors ?? []).some(({ text }) => text.startsWith("Top-level await"));

/** An external package may resolve from its caller as well as one in the bundle. */
const importedBy = ({ metafile }: Built, external: readonly string[]): ReadonlySet<string> =>
  new Set([
    ...Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path)),
    ...(external.length > 0 ? ["node:module"] : []),
  ]);

/** Once it is built it is known how it must begin. */
function artifactOf(
  { outputFiles, metafile: { inputs } }: Built,
  { entry, folder, further }: Sources,
  begins: BeginningOf,
): Artifact {
  const built = withModuleExports(withClassNames(outputFiles[0]?.contents ?? new Uint8Array()));
  const sources = Object.keys(inputs).filter((path) => !/^[\w-]+:/.test(path));
  // The directive of the program itself no longer comes first, unless it is one of several, each in a function of its own.
  const strict =
    (further.sources.length === 0 && beginsStrict(readFileSync(entry, "utf8"))) ||
    sources.some((path) => isStrict(resolve(folder, path), inputs[path]?.format));
  const provisional = Buffer.from(beginning({ ...begins, imported: new Set() }));
  if (!provisional.equals(built.subarray(0, provisional.length))) throw new Error("the bundle begins otherwise");
  const rest = built.subarray(provisional.length);
  const asked = Buffer.from(rest.buffer, rest.byteOffset, rest.length).includes("__constellationPlace(");
  const bytes = Buffer.concat([Buffer.from(beginning({ ...begins, strict, asked })), rest]);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const files = [...sources.map((path) => resolve(folder, path)), ...further.sources];
  return { sha256, bytes, inputs: [...new Set(files)] };
}

function options(from: Sources, begins: BeginningOf) {
  const { entry, folder, runsIn, plugins = [], as = "program", external = [], further, late, metadata } = from;
  const programs: ReadonlyMap<string, string> = as === "program" ? further.conditions : new Map();
  const compiled = (path: string, text: string) => metadata.compiled(path, text);
  const places = sourcePlaces({ folder, programs, read: further.read, compiled, resolved: late.resolved });
  return {
    ...plainOptions(folder),
    ...further.entry(begins.format),
    outfile: resolve(folder, `${basename(entry)}.mjs`),
    metafile: true,
    format: begins.format === "module" ? "esm" : "cjs",
    sourcemap: "inline",
    sourcesContent: false,
    ...(runsIn === "same-place" ? { sourceRoot: `${pathToFileURL(folder).href}/` } : {}),
    define: {
      ...places.define,
      ...(as === "program" ? { "require.main.filename": "__constellationProgram.source" } : {}),
    },
    banner: { js: beginning(begins) },
    plugins: [...plugins, packagesOutside(folder, external, runsIn), metadata.plugin, places.plugin],
  } satisfies BuildOptions;
}

const plainOptions = (folder: string) =>
  ({
    absWorkingDir: folder,
    bundle: true,
    write: false,
    platform: "node",
    target: "node20",
    // Those of Node alone: what esbuild prefers without this is meant for bundlers, and to CommonJS no answer to its `require()`.
    conditions: [],
    charset: "utf8",
    legalComments: "none",
    logLevel: "silent",
  }) satisfies BuildOptions;

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
