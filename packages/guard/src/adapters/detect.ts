import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ConstellationError } from "@constellation/contract";
import type { Adapter, FrameworkName } from "./adapter.ts";
import { tap } from "./command.ts";
import { goTest } from "./go-test.ts";
import { jest } from "./jest.ts";
import { mocha } from "./mocha.ts";
import { nextest } from "./nextest.ts";
import { nodeTest } from "./node-test.ts";
import { playwright } from "./playwright.ts";
import { pytest } from "./pytest.ts";
import { type ScriptCall, readTestScript } from "./test-script.ts";
import { vitest } from "./vitest.ts";

/** A framework, with what the project's own test script passes to it. */
export interface Detected {
  readonly adapter: Adapter;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Where that starts it through Node: flags of Node, and last the framework's file. */
  readonly node: readonly string[];
  /** What gave it away. */
  readonly because: string;
  /** Other steps of the project's test script: this run is not theirs. */
  readonly others?: readonly string[];
}

/** Adapters by name; `command` is made from its command. */
export const adapters: Readonly<Record<Exclude<FrameworkName, "command">, Adapter>> = {
  "node-test": nodeTest,
  vitest,
  jest,
  mocha,
  playwright,
  pytest,
  "go-test": goTest,
  nextest,
  tap,
};

/** Finds the project's framework: its test script, then configuration files, then what it has installed. @throws ConstellationError usage.invalid */
export function detectFramework(root: string, wanted: string): Detected {
  const call = readTestScript(root);
  if (wanted !== "auto") {
    const adapter = adapters[wanted as keyof typeof adapters];
    if (adapter === undefined)
      throw new ConstellationError("usage.invalid", `Cannot run the framework "${wanted}": it is not known`, {
        remedy: `Wanted one of auto, ${Object.keys(adapters).join(", ")}; anything else runs with --command.`,
      });
    return { adapter, ...(call?.framework === wanted ? given(call) : nothing), because: "--framework" };
  }
  if (call !== undefined)
    return {
      adapter: adapters[call.framework],
      ...given(call),
      because: "the test script in package.json",
      others: call.others,
    };
  const found = byFiles(root);
  if (found !== undefined) return { adapter: adapters[found.framework], ...nothing, because: found.because };
  throw new ConstellationError("usage.invalid", `Cannot find out how ${root} is tested`, {
    remedy: `Name the framework with --framework (${Object.keys(adapters).join(", ")}), or the command with --command.`,
  });
}

const nothing = { args: [], environment: {}, node: [] };
const given = ({ args, environment, node }: ScriptCall): Pick<Detected, "args" | "environment" | "node"> => ({
  args,
  environment,
  node,
});

function byFiles(root: string): { framework: keyof typeof adapters; because: string } | undefined {
  const names = existsSync(root) ? readdirSync(root) : [];
  const named = (pattern: RegExp): string | undefined => names.find((name) => pattern.test(name));
  const manifest = readText(join(root, "package.json"));
  const { jest: config, devDependencies = {}, dependencies = {} } = parse(manifest);
  const hints: (readonly [keyof typeof adapters, string | undefined])[] = [
    ["vitest", named(/^vitest\.(config|workspace)\./)],
    ["jest", named(/^jest\.config\./) ?? (config === undefined ? undefined : '"jest" in package.json')],
    ["mocha", named(/^\.mocharc/)],
    ["playwright", named(/^playwright\.config\./)],
    ["pytest", named(/^(pytest\.ini|\.pytest\.ini|conftest\.py)$/)],
    ["pytest", readText(join(root, "pyproject.toml")).includes("[tool.pytest") ? "pyproject.toml" : undefined],
    ...(["vitest", "jest", "mocha"] as const).map(
      (name) =>
        [name, name in devDependencies || name in dependencies ? `${name} in package.json` : undefined] as const,
    ),
    ["go-test", named(/^go\.mod$/)],
    ["nextest", named(/^Cargo\.toml$/)],
    [
      "pytest",
      named(/^test_.+\.py$/) ?? (names.includes("tests") && hasPython(join(root, "tests")) ? "tests/*.py" : undefined),
    ],
  ];
  const hit = hints.find(([, because]) => because !== undefined);
  if (hit !== undefined) return { framework: hit[0], because: hit[1] ?? "" };
  // Last: it looks through the whole project.
  const isNodeTest = nodeTest.shape === "files" && manifest !== "" && nodeTest.units(request(root)).length > 0;
  return isNodeTest ? { framework: "node-test", because: "files named like tests" } : undefined;
}

const request = (root: string) => ({
  root,
  stateDirectory: root,
  args: [],
  paths: [],
  node: [],
  jobs: undefined,
  exclude: [],
  finished: new Map(),
});
const hasPython = (folder: string): boolean => readdirSync(folder).some((name) => /^test_.+\.py$/.test(name));

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

function parse(text: string): { jest?: unknown; devDependencies?: object; dependencies?: object } {
  try {
    return JSON.parse(text) as ReturnType<typeof parse>;
  } catch {
    return {};
  }
}
