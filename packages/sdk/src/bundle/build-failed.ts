import { relative, resolve } from "node:path";
import { ConstellationError } from "@constellation/contract";
import type { BuildFailure, Message } from "esbuild";

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
  if (missing === undefined) return "Correct the source; nothing was changed.";
  const name = missing.split("/").slice(0, missing.startsWith("@") ? 2 : 1);
  return `Install it with \`npm install ${name.join("/")}\` in the app's folder.`;
}

const isBuildFailure = (error: unknown): error is BuildFailure =>
  error instanceof Error && "errors" in error && Array.isArray(error.errors);
