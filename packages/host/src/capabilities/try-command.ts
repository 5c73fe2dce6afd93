import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";

/** What a trial in a child process showed. */
export type Trial =
  | { readonly kind: "worked"; readonly output: string }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "no-program" };

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Runs a program in a child with an environment of its own; it is killed when the time is over. */
export function tryCommand(program: string, words: readonly string[], signal: AbortSignal): Promise<Trial> {
  return new Promise((resolve) => {
    const options = { env: { PATH: searchPath, LC_ALL: "C" }, signal, killSignal: "SIGKILL" as const, maxBuffer: 1e6 };
    execFile(program, words, options, (error, stdout, stderr) => {
      if (error === null) resolve({ kind: "worked", output: stdout.trim() });
      else if (error.code === "ENOENT") resolve({ kind: "no-program" });
      else if (signal.aborted) resolve({ kind: "failed", reason: "no answer in time" });
      else resolve({ kind: "failed", reason: lastLine(stderr) || error.message });
    });
  });
}

/** The absolute path of a program, system directories included that a user's PATH may lack. */
export function findProgram(name: string): string | undefined {
  const directories = new Set([...(process.env["PATH"] ?? "").split(":"), ...searchPath.split(":")]);
  for (const directory of directories) {
    const path = `${directory}/${name}`;
    try {
      accessSync(path, constants.X_OK);
      if (directory !== "") return path;
    } catch {
      // Not in this directory.
    }
  }
  return undefined;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
