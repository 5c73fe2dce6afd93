import { accessSync, constants, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type AppInput, ConstellationError } from "@constellation/contract";
import type { Plugin } from "esbuild";
import { bundle } from "../bundle/bundle.ts";
import { specThrew } from "./spec-threw.ts";

/** What a file of specs defines. */
export interface LoadedApps {
  readonly apps: readonly AppInput[];
  /** The file itself, absolute. */
  readonly source: string;
  /** Folder that relative paths of the specs start from: that of the file. */
  readonly folder: string;
  /** Files that were read, absolute; watch these. */
  readonly inputs: readonly string[];
}

/** This SDK, beside the source, beside its compiled form, or beside the bundled command. */
const entries = ["../index.ts", "../index.js", "./index.js"];

/**
 * Reads a TypeScript, JavaScript or JSON file whose default export is an app, a list of apps, or a function that returns
 * one or the other. Promises of these are waited for.
 *
 * @throws ConstellationError `spec.unreadable`, `script.build-failed`, `spec.invalid`, each pointing into the file
 */
export async function loadApps(file: string): Promise<LoadedApps> {
  const path = resolve(file);
  const folder = dirname(path);
  const why = whyUnreadable(path);
  if (why !== null)
    throw new ConstellationError("spec.unreadable", `Cannot read the spec ${file}: ${why}`, {
      remedy: "Name another file, or write one with `constellation init`.",
    });
  const { bytes, inputs } = await bundle({
    entry: path,
    folder,
    runsIn: "same-place",
    as: "module",
    plugins: [ownPackage()],
  });
  const value = await unlessStuck(evaluate(bytes, path, folder), file);
  const apps: unknown[] = Array.isArray(value) ? (value as unknown[]).flat(Infinity) : [value];
  if (value === undefined || apps.length === 0)
    throw new ConstellationError("spec.invalid", `The spec ${file} exports no app`, {
      remedy: "Write `export default app({ name: …, script: … })`.",
    });
  const wrong = apps.findIndex((app) => typeof app !== "object" || app === null);
  if (wrong >= 0)
    throw new ConstellationError(
      "spec.invalid",
      `The spec ${file} exports ${String(apps[wrong])} where an app is wanted`,
      {
        remedy: "Write `export default app({ name: …, script: … })`.",
      },
    );
  return { apps: apps as AppInput[], source: path, folder, inputs };
}

function whyUnreadable(path: string): string | null {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) return "there is no such file";
  if (!info.isFile()) return info.isDirectory() ? "it is a folder" : "it is no file";
  if (!/\.(?:[mc]?[jt]s|[jt]sx|json)$/.test(path)) return "its name does not end as TypeScript, JavaScript or JSON";
  try {
    accessSync(path, constants.R_OK);
    return null;
  } catch {
    return "it may not be read";
  }
}

/** `import … from "constellation"` means the running version, also where none is installed. */
function ownPackage(): Plugin {
  const entry = entries.map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) => existsSync(path));
  return {
    name: "own-package",
    setup(build) {
      build.onResolve({ filter: /^constellation$/ }, () => (entry === undefined ? undefined : { path: entry }));
    },
  };
}

/** Node ends without a word when nothing can happen any more that a promise waits for; it says so a moment before. */
async function unlessStuck<T>(work: Promise<T>, file: string): Promise<T> {
  let tell = (): void => undefined;
  const stuck = new Promise<never>((_, reject) => {
    tell = () =>
      reject(
        new ConstellationError("spec.unreadable", `The spec ${file} waits for something that never comes`, {
          remedy: "Correct the file; nothing was changed.",
        }),
      );
  });
  process.once("beforeExit", tell);
  try {
    return await Promise.race([work, stuck]);
  } finally {
    process.off("beforeExit", tell);
  }
}

/** Imports the bundled spec from a folder of its own: that of the user may be read-only. A function is called. */
async function evaluate(bytes: Uint8Array, path: string, folder: string): Promise<unknown> {
  const place = placeFor(path);
  const file = join(place, `${basename(path)}.mjs`);
  const remove = (): void => rmSync(place, { recursive: true, force: true });
  // A spec that never comes to an end is left behind when the process ends.
  process.once("exit", remove);
  try {
    writeFileSync(file, bytes);
    const exported = byDefault(((await import(pathToFileURL(file).href)) as { readonly default?: unknown }).default);
    const value: unknown = typeof exported === "function" ? await (exported as () => unknown)() : await exported;
    return Array.isArray(value) ? await Promise.all(value.flat(Infinity)) : value;
  } catch (error) {
    throw specThrew({ path, folder, file, bytes }, error);
  } finally {
    process.off("exit", remove);
    remove();
  }
}

/** Of TypeScript that was compiled to CommonJS all exports come as one, and one of them is the default. */
function byDefault(exported: unknown): unknown {
  const isCompiled = typeof exported === "object" && exported !== null && "__esModule" in exported;
  return isCompiled && "default" in exported ? exported.default : exported;
}

/** @throws ConstellationError `spec.unreadable` */
function placeFor(path: string): string {
  try {
    return mkdtempSync(join(tmpdir(), "constellation-spec-"));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConstellationError(
      "spec.unreadable",
      `Cannot evaluate the spec ${basename(path)} in ${tmpdir()}: ${why}`,
      {
        cause,
        remedy: "Set TMPDIR to a folder that can be written.",
      },
    );
  }
}
