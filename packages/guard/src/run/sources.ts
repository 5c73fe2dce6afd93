import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { entriesOf, findFiles } from "../adapters/find-files.ts";
import { contentHash } from "../journal/plan.ts";

/** A fingerprint of the files that the patterns name, by path and content. */
export function hashSources(root: string, patterns: readonly string[]): string {
  const hash = createHash("sha256");
  const contentOf = contentHash(root);
  for (const file of findFiles(root, patterns, () => true)) hash.update(`\0${file}\0${contentOf(file)}`);
  return hash.digest("hex").slice(0, 16);
}

const code = /\.(?:[cm]?[jt]sx?|py|go|rs|vue|svelte)$/;
const passedOver = new Set(["node_modules", "target", "dist", "build", "coverage", "__pycache__", "vendor"]);
/** Looking further would take longer than what it warns of. */
const mostEntries = 100_000;

/** Code files other than tests that were written to since a moment; hidden folders and what builds make are passed over. */
export function codeChangedSince(root: string, sinceMs: number, tests: ReadonlySet<string>): string[] {
  const changed: string[] = [];
  let seen = 0;
  const look = (folder: string): void => {
    for (const entry of entriesOf(join(root, folder))) {
      if ((seen += 1) > mostEntries) return;
      if (entry.name.startsWith(".") || passedOver.has(entry.name)) continue;
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) look(path);
      else if (entry.isFile() && code.test(entry.name) && !tests.has(path)) {
        if (writtenMs(join(root, path)) > sinceMs) changed.push(path);
      }
    }
  };
  look("");
  return changed;
}

function writtenMs(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0; // it has gone meanwhile, or is not ours to look at
  }
}
