import { statSync } from "node:fs";
import { join } from "node:path";
import { contentHash } from "../journal/plan.ts";
import type { Adapter, GuestUnit } from "./adapter.ts";
import { findTests } from "./find-files.ts";
import { splitNodeArgs } from "./node-args.ts";

/** Any command, as one unit, or once per item: `{}` in it stands for the item, else the item is its last word. */
export function command(line: string, items: readonly string[] | undefined): Adapter {
  return {
    name: "command",
    shape: "files",
    results: "exit",
    hash: (root) => {
      const ofContent = contentHash(root);
      // Items need not be files: then their name is all there is.
      return (file) => (isFile(join(root, file)) ? ofContent(file) : "item");
    },
    units({ exclude, args, paths }) {
      const left = new Set(exclude);
      if (items === undefined) return [unit(line, "(command)", [...args, ...paths])];
      return items.filter((item) => !left.has(item)).map((item) => unit(line, item, [...args, ...paths]));
    },
  };

  function unit(text: string, file: string, extra: readonly string[]): GuestUnit {
    const hasPlace = text.includes("{}");
    const words = items === undefined ? extra : hasPlace ? [file, ...extra] : [...extra, file];
    // Behind a loop or a group no word may stand.
    const script = hasPlace ? withItem(text) : words.length === 0 ? text : `${text} "$@"`;
    return { file, title: file, program: "/bin/sh", args: ["-c", script, "sh", ...words], environment: {} };
  }
}

/** Puts the item in as one word, whatever quotes its place stands in. */
function withItem(text: string): string {
  let quote = "";
  return text.replaceAll(/\{\}|\\[\s\S]|["']/g, (found) => {
    if (found === "{}") return quote === '"' ? "$1" : quote === "'" ? `'"$1"'` : '"$1"';
    if (found.startsWith("\\")) return found;
    if (quote === "") quote = found;
    else if (quote === found) quote = "";
    return found;
  });
}

/** An item may be longer than any name of a file, or lie where nobody may look. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** TAP producers: each file is a program whose exit code is its result. */
export const tap: Adapter = {
  name: "tap",
  shape: "files",
  results: "exit",
  units({ root, args, paths, exclude }) {
    const left = new Set(exclude);
    const { flags, patterns } = splitNodeArgs(args);
    const wanted = paths.length > 0 ? paths : patterns.length > 0 ? patterns : ["test/**/*.{js,mjs,cjs}"];
    return findTests(root, wanted, (path) => /\.[cm]?js$/.test(path))
      .filter((file) => !left.has(file))
      .map((file) => ({ file, title: file, program: process.execPath, args: [...flags, file], environment: {} }));
  },
};
