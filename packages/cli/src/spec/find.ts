import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConstellationError } from "@constellation/sdk";

/** Files that `up` looks for, in this order. */
export const specFiles = [
  "constellation.ts",
  "constellation.mts",
  "constellation.js",
  "constellation.mjs",
  "constellation.json",
  "deploy.ts",
  "deploy.mts",
  "deploy.js",
  "deploy.mjs",
] as const;

/**
 * The file of specs: the one named, else the first of {@link specFiles} in the folder.
 *
 * @throws ConstellationError `spec.unreadable` when there is none
 */
export function findSpec(named: string | undefined, folder: string): string {
  if (named !== undefined) return named;
  const found = specFiles.find((name) => existsSync(join(folder, name)));
  if (found !== undefined) return join(folder, found);
  throw new ConstellationError("spec.unreadable", `There is no constellation.ts or deploy.ts in ${folder}`, {
    remedy: "Name a file, or write one with `constellation init`.",
  });
}
