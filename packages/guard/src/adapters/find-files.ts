import { type Dirent, readdirSync, statSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { ConstellationError } from "@constellation/contract";

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

/** The same, for tests that somebody asked for: none is a mistake, and not a run that passes. @throws ConstellationError usage.invalid */
export function findTests(root: string, wanted: readonly string[], isTest: (path: string) => boolean): string[] {
  const found = findFiles(root, wanted, isTest);
  if (found.length > 0 || wanted.length === 0) return found;
  throw new ConstellationError("usage.invalid", `Cannot find a test in ${root} that is called ${wanted.join(", ")}`, {
    remedy: "Name files, folders with tests in them, or patterns, from the project's folder on.",
  });
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
  for (const entry of entriesOf(join(root, folder))) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!passedOver.has(entry.name)) yield* walk(root, path);
    } else if (entry.isFile()) yield path;
  }
}

/** What lies in a folder: nothing where we may not look (a database's, made by a container), or when it has gone meanwhile. */
export function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
