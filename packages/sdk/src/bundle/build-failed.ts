import { dirname, relative, resolve } from "node:path";
import { ConstellationError } from "@constellation/contract";
import type { BuildFailure, Message } from "esbuild";
import { packageName } from "./package-name.ts";

const maxProblems = 10;

/** Where in a source a problem is that is told of what the source was compiled to. */
export type OriginalPlace = (path: string, line: number, column: number) => { line: number; column: number };

/** A failed build in words: every problem with file, line and column. */
export function buildFailed(
  entry: string,
  folder: string,
  error: unknown,
  original: OriginalPlace = (_, line, column) => ({ line, column }),
): ConstellationError {
  if (error instanceof ConstellationError) return error;
  const messages = isBuildFailure(error) ? error.errors : [];
  // Ctrl-C ends all processes of a terminal's foreground, the compiler's as well, and perhaps before we hear of it.
  if (
    messages.length === 0 &&
    error instanceof Error &&
    /^The service (was stopped|is no longer running)/.test(error.message)
  )
    return new ConstellationError("call.cancelled", `The build of ${entry} was stopped`, { cause: error });
  const ours = messages.find(({ detail }): boolean => detail instanceof ConstellationError)?.detail;
  if (ours instanceof ConstellationError) return ours;
  const problems = messages.slice(0, maxProblems).map((message) => describe(message, folder, original));
  const text = problems.length > 0 ? problems.join("; ") : error instanceof Error ? error.message : String(error);
  return new ConstellationError("script.build-failed", `Cannot build ${entry}: ${text}`, {
    cause: error,
    remedy: remedy(messages),
    details: { problems, files: filesOf(messages, folder) },
  });
}

/** Where the problems are, absolute: whoever watches waits for a change of these. */
const filesOf = (messages: readonly Message[], folder: string): string[] => [
  ...new Set(messages.flatMap(({ location }) => (location === null ? [] : [resolve(folder, location.file)]))),
];

function describe({ text, location }: Message, folder: string, original: OriginalPlace): string {
  if (location === null) return text;
  const path = resolve(folder, location.file);
  const { line, column } = original(path, location.line, location.column);
  return `${relative(folder, path)}:${line}:${column + 1}: ${text}`;
}

function remedy(messages: readonly Message[]): string {
  const missing = messages.flatMap(({ text }) => /^Could not resolve "([^"./][^"]*)"/.exec(text)?.[1] ?? [])[0];
  if (missing !== undefined) return `Install it with \`npm install ${packageName(missing)}\` in the app's folder.`;
  for (const { text, location } of messages) {
    const [, path] = /^No loader is configured for "[^"]*" files: (.*)$/.exec(text) ?? [];
    if (path !== undefined) return readAtRun(path, location?.file ?? "");
  }
  return "Correct the source; nothing was changed.";
}

/** What is neither code nor JSON, which Node imports as little as a bundle. */
function readAtRun(path: string, importer: string): string {
  const [, within] = /(?:^|\/)node_modules\/(?!.*\/node_modules\/)(.+)$/.exec(importer) ?? [];
  if (within !== undefined)
    return `Leave the package that imports it out of the bundle: \`external: ["${packageName(within)}"]\`.`;
  const beside = relative(dirname(importer), path);
  const name = JSON.stringify(beside.startsWith(".") ? beside : `./${beside}`);
  return `Node imports no such files: read it when it runs, with \`readFile(new URL(${name}, import.meta.url))\`.`;
}

const isBuildFailure = (error: unknown): error is BuildFailure =>
  error instanceof Error && "errors" in error && Array.isArray(error.errors);
