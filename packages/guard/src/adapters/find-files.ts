import { readdirSync, statSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";

const passedOver = new Set(["node_modules", ".git", ".constellation"]);

/** Files below the root, named from there with `/`: those given (folders: all test files in them), matching the patterns, or all. */
export function findFiles(root: string, wanted: readonly string[], isTest: (path: string) => boolean): string[] {
  if (wanted.length === 0) return [...walk(root, "")].filter(isTest).sort();
  const found = new Set<string>();
  for (const each of wanted) {
    const path = (isAbsolute(each) ? relative(root, each) : each.replace(/^\.\//, "").replace(/\/$/, ""))
      .split(sep)
      .join("/");
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    if (stat?.isFile() === true) found.add(path);
    else if (stat?.isDirectory() === true) {
      for (const file of walk(root, path)) if (isTest(file)) found.add(file);
    } else {
      const pattern = globPattern(path);
      for (const file of walk(root, "")) if (pattern.test(file)) found.add(file);
    }
  }
  return [...found].sort();
}

/** A glob as a regular expression: `*`, `?`, `**`, `{a,b}`, `[a-z]`. */
export function globPattern(glob: string): RegExp {
  const tokens = glob.matchAll(/\*\*\/|\*\*|\*|\?|\{([^{}]*)\}|\[[^\]]+\]|[\s\S]/g);
  return new RegExp(`^${[...tokens].map(([token, choices]) => sourceOf(token, choices)).join("")}$`);
}

function sourceOf(token: string, choices: string | undefined): string {
  if (token === "**/") return "(?:[^/]+/)*";
  if (token === "**") return ".*";
  if (token === "*") return "[^/]*";
  if (token === "?") return "[^/]";
  if (choices !== undefined)
    return `(?:${choices
      .split(",")
      .map((each) => globPattern(each).source.slice(1, -1))
      .join("|")})`;
  if (token.length > 1) return token.replace(/^\[!/, "[^");
  return token.replace(/[\\^$.|+()[\]{}]/, "\\$&");
}

function* walk(root: string, folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!passedOver.has(entry.name)) yield* walk(root, path);
    } else if (entry.isFile()) yield path;
  }
}
