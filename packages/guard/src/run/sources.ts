import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { entriesOf, findFiles } from "../adapters/find-files.ts";

/** A fingerprint of the files that the patterns name, by path and content. */
export function hashSources(root: string, patterns: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of findFiles(root, patterns, () => true))
    hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex").slice(0, 16);
}

const code = /\.(?:[cm]?[jt]sx?|py|go|rs|vue|svelte)$/;
const passedOver = new Set(["node_modules", "target", "dist", "build", "coverage", "__pycache__", "vendor"]);
/** Looking further would take longer than what it warns of. */
const mostFiles = 20_000;

/** Code files other than tests that were written to since a moment; hidden folders and what builds make are passed over. */
export function codeChangedSince(root: string, sinceMs: number, tests: ReadonlySet<string>): string[] {
  const changed: string[] = [];
  let seen = 0;
  const look = (folder: string): void => {
    for (const entry of entriesOf(join(root, folder))) {
      if (entry.name.startsWith(".") || passedOver.has(entry.name) || seen >= mostFiles) continue;
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) look(path);
      else if (entry.isFile() && code.test(entry.name) && !tests.has(path)) {
        seen += 1;
        const writtenMs = statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
        if (writtenMs > sinceMs) changed.push(path);
      }
    }
  };
  look("");
  return changed;
}
