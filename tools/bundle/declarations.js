import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** Packages whose declarations users see. */
const packages = ["contract", "sdk"];

/**
 * Copies the declarations of the SDK and of the contract it speaks of, with relative imports between them.
 *
 * @returns how many files there are
 */
export function copyDeclarations(root, dist) {
  let count = 0;
  for (const name of packages) {
    const from = join(root, "packages", name, "dist");
    for (const path of declarationsIn(from)) {
      const to = join(dist, "types", name, relative(from, path));
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, rewrite(readFileSync(path, "utf8"), to, dist, path));
      count += 1;
    }
  }
  if (count === 0) throw new Error("found no declarations; run `tsc -b` first");
  writeFileSync(join(dist, "index.d.ts"), 'export * from "./types/sdk/index.js";\n');
  return count;
}

function rewrite(text, to, dist, source) {
  const contract = relative(dirname(to), join(dist, "types/contract/index.js"));
  const rewritten = text
    .replaceAll('"@constellation/contract"', JSON.stringify(contract.startsWith(".") ? contract : `./${contract}`))
    .replace(/\n?\/\/# sourceMappingURL=.*\n?$/, "\n");
  if (rewritten.includes('"@constellation/')) throw new Error(`${source} speaks of a package that is not published`);
  return rewritten;
}

function* declarationsIn(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder).sort()) {
    const path = join(folder, entry);
    if (statSync(path).isDirectory()) yield* declarationsIn(path);
    else if (path.endsWith(".d.ts")) yield path;
  }
}
