import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import {
  githubAnnotations,
  type GuardConfig,
  junitXml,
  loadGuardConfig,
  openStateDirectory,
  outcomeJson,
  parseThreshold,
  placesIn,
  policyFor,
  recordHistory,
  runGuarded,
  type RunOptions,
} from "@constellation/guard";
import { ConstellationError } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { historyLines, statusLines } from "../views/guard-history.ts";
import { guardProgress } from "../views/guard-progress.ts";
import { reportLines } from "../views/guard-report.ts";

interface Options {
  readonly selfProtect?: boolean;
  readonly cpuThreshold?: string;
  readonly cpuAction?: string;
  readonly memoryThreshold?: string;
  readonly timeout?: string;
  readonly grace?: string;
  readonly resume?: boolean;
  readonly rerunFailed?: boolean;
  readonly framework?: string;
  readonly command?: string;
  readonly items?: string;
  readonly jobs?: string;
  readonly reporter: string;
  readonly junit?: string;
  readonly output?: string;
  readonly checkpoint?: string;
}

/** `constellation test [paths…] [-- framework args]`, `constellation test status`, `constellation test history` */
export function define(command: Command, context: Context): void {
  command
    .argument("[paths...]", "files or folders for the framework; `status` and `history` show earlier runs")
    .option("--self-protect", "stop before the machine runs out of memory (exit 42)")
    .option("--cpu-threshold <percent>", "share of all CPUs that is too much (80)")
    .option("--cpu-action <action>", "what that does: shed, stop or ignore (shed)")
    .option("--memory-threshold <limit>", 'of the nearest bound ("80%"), or of the run itself ("6GB")')
    .option("--timeout <seconds>", "how long all of it may take (3600); 0: for ever")
    .option("--grace <seconds>", "how long running tests may take to finish when it stops (10)")
    .option("--resume", "pass over what an earlier attempt finished")
    .option("--rerun-failed", "resume, and run failed tests again")
    .option("--no-daemon", "protect this run by itself")
    .option("--framework <name>", "auto, node-test, vitest, jest, mocha, pytest or tap (auto)")
    .option("--command <command>", "guard any shell command instead")
    .option("--items <file>", "run the command once per line of this file; {} stands for the line")
    .option("--jobs <n>", "files or workers at a time")
    .option("--reporter <name>", "auto, progress, plain, json or github", "auto")
    .option("--junit <file>", "write JUnit XML")
    .option("--output <file>", "write the whole outcome as JSON")
    .option("--checkpoint <folder>", "where the journal is kept (.constellation/test)")
    .action(async (words: string[], options: Options) => {
      const root = process.cwd();
      const { config } = await loadGuardConfig(root, importModule);
      const stateDirectory = resolve(root, options.checkpoint ?? config.checkpoint?.path ?? ".constellation/test");
      const [first, ...others] = words;
      if (others.length === 0 && first === "status")
        return printLines(context, statusLines(placesIn(stateDirectory), context.out));
      if (others.length === 0 && first === "history")
        return printLines(context, historyLines(placesIn(stateDirectory), context.out));
      context.exitCode = await guard(
        runOptions(root, stateDirectory, words, argvOf(command), options, config),
        options,
        context,
      );
    });
}

async function guard(run: RunOptions, options: Options, context: Context): Promise<number> {
  const { out, err, signal } = context;
  const reporter = reporterOf(options.reporter, out.interactive);
  const progress = guardProgress(err, reporter === "progress");
  const state = openStateDirectory(run.stateDirectory ?? "");
  progress.note(
    run.selfProtect === true
      ? "No daemon: this run protects itself."
      : "Without --self-protect: nothing stops this run.",
  );
  const outcome = await runGuarded({
    ...run,
    output: reporter === "progress" || reporter === "json" ? "log" : "inherit",
    signal,
    onEvent: (event) => progress.show(event),
  }).finally(() => progress.done());
  recordHistory(state.history, outcome, new Date());
  if (options.junit !== undefined) writeFileSync(options.junit, junitXml(outcome));
  if (options.output !== undefined) writeFileSync(options.output, JSON.stringify(outcomeJson(outcome)));
  if (reporter === "json") out.line(JSON.stringify(outcomeJson(outcome)));
  else {
    if (reporter === "github") for (const line of githubAnnotations(outcome)) out.line(line);
    const log = reporter === "progress" ? state.output : undefined;
    for (const line of reportLines(outcome, err, log)) err.line(line);
  }
  return outcome.exitCode;
}

/** The words as they were typed: commander's own list no longer shows where `--` stood. */
function argvOf(command: Command): readonly string[] {
  const words: unknown = Reflect.get(command.parent ?? command, "rawArgs");
  return Array.isArray(words) ? words.map(String) : [];
}

type Reporter = "progress" | "plain" | "json" | "github";

function reporterOf(name: string, interactive: boolean): Reporter {
  if (name === "auto") return interactive ? "progress" : process.env["GITHUB_ACTIONS"] === "true" ? "github" : "plain";
  if (name === "progress" || name === "plain" || name === "json" || name === "github") return name;
  throw new ConstellationError(
    "usage.invalid",
    `Cannot report as "${name}": wanted auto, progress, plain, json or github`,
  );
}

function runOptions(
  root: string,
  stateDirectory: string,
  words: readonly string[],
  argv: readonly string[],
  options: Options,
  config: GuardConfig,
): RunOptions {
  const separator = argv.indexOf("--");
  const args = separator < 0 ? [] : argv.slice(separator + 1);
  const paths = args.length === 0 ? words : words.slice(0, words.length - args.length);
  const memory =
    options.memoryThreshold === undefined
      ? (config.thresholds?.memory ?? { kind: "share" as const, share: 0.8 })
      : parseThreshold(options.memoryThreshold);
  const timeoutMs = seconds("--timeout", options.timeout) ?? config.timeout;
  const graceMs = seconds("--grace", options.grace) ?? config.grace;
  const jobs = whole("--jobs", options.jobs, 1) ?? config.jobs;
  const command = options.command ?? config.command;
  if (options.items !== undefined && command === undefined)
    throw new ConstellationError("usage.invalid", "Cannot run items without a command", { remedy: "Add --command." });
  return {
    root,
    stateDirectory,
    framework: options.framework ?? config.framework ?? "auto",
    ...(command === undefined ? {} : { command }),
    ...(options.items === undefined ? {} : { items: linesOf(options.items) }),
    paths,
    args,
    ...(jobs === undefined ? {} : { jobs }),
    resume: options.resume === true || options.rerunFailed === true,
    rerunFailed: options.rerunFailed === true,
    selfProtect: options.selfProtect ?? config.selfProtect ?? false,
    policy: policyFor(memory, {
      cpuShare: (whole("--cpu-threshold", options.cpuThreshold, 1, 100) ?? config.thresholds?.cpu ?? 80) / 100,
      cpuAction: cpuAction(options.cpuAction ?? config.thresholds?.cpuAction ?? "shed"),
    }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(graceMs === undefined ? {} : { graceMs }),
    containers: config.cleanup?.containers ?? true,
  };
}

function cpuAction(name: string): "shed" | "stop" | "ignore" {
  if (name === "shed" || name === "stop" || name === "ignore") return name;
  throw new ConstellationError("usage.invalid", `Cannot use --cpu-action "${name}": wanted shed, stop or ignore`);
}

function seconds(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  throw new ConstellationError("usage.invalid", `Cannot use ${option} "${text}": wanted seconds`);
}

function whole(option: string, text: string | undefined, least: number, most = 10_000): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text.replace(/%$/, ""));
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new ConstellationError(
    "usage.invalid",
    `Cannot use ${option} "${text}": wanted a whole number from ${least} to ${most}`,
  );
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line.trim() !== "");
  } catch (cause) {
    throw new ConstellationError("usage.invalid", `Cannot read the items in ${path}`, { cause });
  }
}

/** TypeScript settings are compiled by esbuild, which knows every syntax that Node 20 does not. */
async function importModule(path: string): Promise<unknown> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "silent",
  });
  const text = outputFiles[0]?.text ?? "";
  const loaded = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as { default?: unknown };
  return loaded.default;
}

function printLines({ out }: Context, lines: readonly string[]): void {
  for (const line of lines) out.line(line);
}
