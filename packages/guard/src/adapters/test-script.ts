import { readFileSync } from "node:fs";
import { join } from "node:path";
import { splitNodeArgs } from "./node-args.ts";
import { splitCommands, splitWords } from "./shell-words.ts";

/** A framework as the project's own `npm test` calls it. */
export interface ScriptCall {
  readonly framework: "node-test" | "vitest" | "jest" | "mocha" | "playwright" | "pytest" | "tap";
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Where it is started through Node: flags of Node, and last the framework's file. */
  readonly node: readonly string[];
  /** The other steps of the script, as it words them: they are not part of this call. */
  readonly others: readonly string[];
}

type Call = Omit<ScriptCall, "others">;

/** Reads the `test` script of package.json, following `npm run other` and `run-s a b`; undefined when it is none that we know. */
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
  const steps = ["pretest", "test", "posttest"].flatMap((name) => stepsIn(scripts, name, new Set()));
  const first = steps.find((step): step is Step & { call: Call } => step.call !== undefined);
  if (first === undefined) return undefined;
  const { framework, args: given, environment, node } = first.call;
  const namesNone = framework === "node-test" && splitNodeArgs(given).patterns.length === 0;
  const args = namesNone ? [...given, ...borpFiles(root)] : given;
  return { framework, args, environment, node, others: steps.filter((step) => step !== first).map(({ text }) => text) };
}

/** One command of a script; `call`: when it starts a framework. */
interface Step {
  readonly text: string;
  readonly call: Call | undefined;
}

function stepsIn(scripts: Readonly<Record<string, unknown>>, name: string, seen: Set<string>): readonly Step[] {
  const script = scripts[name];
  if (typeof script !== "string" || seen.has(name)) return [];
  seen.add(name);
  return splitCommands(script).flatMap((text) => {
    const words = splitWords(text);
    const inner = othersIn(words, Object.keys(scripts)).flatMap((other) => stepsIn(scripts, other, seen));
    return inner.length > 0 ? inner : [{ text, call: callOf(words) }];
  });
}

/** Files that borp, a runner of node:test, is told of in its settings: the list `files`, one pattern a line. */
function borpFiles(root: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(join(root, ".borp.yaml"), "utf8").replaceAll("\r\n", "\n");
  } catch {
    return [];
  }
  const list = /^files:[ \t]*\n((?:[ \t]*-[^\n]*(?:\n|$))+)/m.exec(text)?.[1] ?? "";
  const item = /^[ \t]*-[ \t]+(?:"([^"]*)"|'([^']*)'|([^\s#"']+))/gm;
  return [...list.matchAll(item)].map(([, double, single, bare]) => double ?? single ?? bare ?? "");
}

/** Scripts that a script runs: `npm run unit`, `run-s lint test:*`. */
function othersIn(words: readonly string[], names: readonly string[]): readonly string[] {
  const one = /^(?:npm|pnpm|yarn) (?:run(?:-script)? )?([\w:.-]+)/.exec(words.join(" "))?.[1];
  if (one !== undefined) return [one];
  if (!/(^|\/)(npm-run-all2?|run-[sp])$/.test(words[0] ?? "")) return [];
  // Arguments in a quoted word ("test:unit -- --run") are for that script; their meaning is npm-run-all's own.
  const wanted = words.slice(1).filter((word) => !word.startsWith("-"));
  return wanted.flatMap((word) => names.filter((name) => scriptPattern(word).test(name)));
}

/** As npm-run-all reads names: `*` is within a part, `**` over all of them. */
function scriptPattern(word: string): RegExp {
  const parts = word.split(/(\*\*|\*)/).map((part) => {
    if (part === "**") return ".*";
    return part === "*" ? "[^:]*" : part.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`);
}

/** Programs that run the words after them. */
const wrappers = /^(npx|cross-env|c8|nyc|env|dotenv|--|npm exec|(pnpm|yarn)( (exec|run|dlx))?)$/;
/** Those whose own words are about coverage alone, and may take values: what is run is the first program behind them. */
const measuring = /(^|\/)(c8|nyc)$/;
const known = /(^|\/)(_?mocha|jest|vitest|playwright|tape|pytest|borp|node|tsx)$/;

function callOf(words: readonly string[]): Call | undefined {
  const environment: Record<string, string> = {};
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] ?? "";
    const assignment = /^([A-Za-z_]\w*)=(.*)$/s.exec(word);
    if (assignment !== null) environment[assignment[1] ?? ""] = assignment[2] ?? "";
    else if (measuring.test(word))
      at = Math.max(at, words.findIndex((each, place) => place > at && known.test(each)) - 1);
    else if (wrappers.test(`${word} ${words[at + 1] ?? ""}`)) at += 1;
    else if (!wrappers.test(word) && !(at > 0 && word.startsWith("-"))) break;
  }
  const program = (words[at] ?? "").replace(/^.*\//, "");
  const args = words.slice(at + 1);
  const call = (framework: Call["framework"], own: readonly string[] = args): Call => ({
    framework,
    args: own,
    environment,
    node: [],
  });
  switch (program) {
    case "mocha":
    case "_mocha":
      return call("mocha");
    case "jest":
    case "pytest":
      return call(program);
    case "vitest":
      return call(
        "vitest",
        args.filter((word) => word !== "run" && word !== "--run"),
      );
    case "playwright":
      return args[0] === "test" ? call("playwright", args.slice(1)) : undefined;
    case "tape":
      return call("tap");
    case "borp":
      // Its own flags say what is printed and counted; here each file is run by itself.
      return call(
        "node-test",
        args.filter((word) => !word.startsWith("-")),
      );
    case "tsx":
      return args.includes("--test") ? call("node-test", ["--import", "tsx", ...args]) : undefined;
    case "node":
      return args.includes("--test") ? call("node-test") : throughNode(args, environment);
    default:
      return undefined;
  }
}

/** `node --experimental-vm-modules node_modules/jest/bin/jest.js …`: the flags are part of how its tests can run. */
function throughNode(words: readonly string[], environment: Call["environment"]): Call | undefined {
  const file = words.findIndex((word) => /\/(mocha|jest|vitest)(\.m?js)?$/.test(word));
  if (file < 0) return undefined;
  const called = callOf([(words[file] ?? "").replace(/\.m?js$/, ""), ...words.slice(file + 1)]);
  return called && { ...called, environment, node: words.slice(0, file + 1) };
}
