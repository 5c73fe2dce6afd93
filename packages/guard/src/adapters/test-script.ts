import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A framework as the project's own `npm test` calls it. */
export interface ScriptCall {
  readonly framework: "node-test" | "vitest" | "jest" | "mocha" | "playwright" | "pytest" | "tap";
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Reads the `test` script of package.json, following `npm run other`; undefined when it is none that we know. */
export function readTestScript(root: string): ScriptCall | undefined {
  let scripts: Readonly<Record<string, unknown>>;
  try {
    const { scripts: found } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      scripts?: Record<string, unknown>;
    };
    scripts = found ?? {};
  } catch {
    return undefined;
  }
  return callIn(scripts, "test", new Set());
}

function callIn(scripts: Readonly<Record<string, unknown>>, name: string, seen: Set<string>): ScriptCall | undefined {
  const script = scripts[name];
  if (typeof script !== "string" || seen.has(name)) return undefined;
  seen.add(name);
  for (const part of script.split(/&&|;|\|\|/)) {
    const words = splitWords(part);
    const other = /^(?:npm|pnpm|yarn) (?:run(?:-script)? )?([\w:.-]+)/.exec(words.join(" "))?.[1];
    const call = callOf(words) ?? (other === undefined ? undefined : callIn(scripts, other, seen));
    if (call !== undefined) return call;
  }
  return undefined;
}

/** Programs that run the words after them. */
const wrappers = /^(npx|cross-env|c8|nyc|env|dotenv|--|borp)$/;

function callOf(words: readonly string[]): ScriptCall | undefined {
  const environment: Record<string, string> = {};
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] ?? "";
    const assignment = /^([A-Za-z_]\w*)=(.*)$/s.exec(word);
    if (assignment !== null) environment[assignment[1] ?? ""] = assignment[2] ?? "";
    else if (!wrappers.test(word) && !(at > 0 && word.startsWith("-"))) break;
  }
  const program = (words[at] ?? "").replace(/^.*\//, "");
  const args = words.slice(at + 1);
  switch (program) {
    case "mocha":
    case "_mocha":
      return { framework: "mocha", args, environment };
    case "jest":
      return { framework: "jest", args, environment };
    case "vitest":
      return { framework: "vitest", args: args.filter((word) => word !== "run" && word !== "--run"), environment };
    case "playwright":
      return args[0] === "test" ? { framework: "playwright", args: args.slice(1), environment } : undefined;
    case "tape":
      return { framework: "tap", args, environment };
    case "pytest":
      return { framework: "pytest", args, environment };
    case "node": {
      if (args.includes("--test")) return { framework: "node-test", args, environment };
      // Debuggers start frameworks this way: node --flags node_modules/.bin/mocha …
      const inner = args.findIndex((word) => /\/(mocha|jest|vitest)(\.m?js)?$/.test(word));
      return inner < 0 ? undefined : callOf([(args[inner] ?? "").replace(/\.m?js$/, ""), ...args.slice(inner + 1)]);
    }
    default:
      return undefined;
  }
}

/** Words as a shell splits them; expansions are left to whoever reads them. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  const pattern = /\s*((?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+)/gs;
  for (const [, word = ""] of line.matchAll(pattern))
    words.push(
      word.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/gs, (_, double, single, escaped) =>
        String((double as string | undefined)?.replaceAll(/\\(["\\$`])/g, "$1") ?? single ?? escaped),
      ),
    );
  return words;
}
