import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { artifactFormat } from "@constellation/contract";
import { expect } from "vitest";
import { bundle } from "../src/bundle/bundle.ts";
import type { ConstellationError } from "../src/index.ts";
import { temporaryFolder } from "./memory-home.ts";

/** A folder with these files. */
export function project(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** Bundles, and writes the artifact elsewhere. Its path. */
export async function artifact(folder: string, script: string, external: readonly string[] = []): Promise<string> {
  const { bytes } = await bundle({ entry: join(folder, script), folder, external });
  const file = join(temporaryFolder(), artifactFormat(bytes) === "commonjs" ? "artifact.cjs" : "artifact.mjs");
  writeFileSync(file, bytes);
  return file;
}

/** Bundles, writes the artifact elsewhere and runs it in its folder, as an instance does. */
export async function run(folder: string, script: string, ...options: readonly string[]): Promise<string> {
  return execFileSync(process.execPath, [...options, await artifact(folder, script)], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export async function failure(call: Promise<unknown>): Promise<ConstellationError> {
  return call.then(
    () => expect.unreachable("it should have failed"),
    (error: unknown) => error as ConstellationError,
  );
}
