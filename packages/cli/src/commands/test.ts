import { join, resolve } from "node:path";
import type { Command } from "commander";
import {
  githubAnnotations,
  type GuardConfig,
  historyEntry,
  junitXml,
  layered,
  loadGlobalConfig,
  loadGuardConfig,
  openStateDirectory,
  outcomeJson,
  outputHandedOver,
  placesIn,
  runCoordinated,
  runGuarded,
  type RunOptions,
  type RunOutcome,
} from "@constellation/guard";
import { ConstellationError, currentPlaces } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { importModule } from "../guard/import-module.ts";
import { launchOf } from "../guard/launch.ts";
import { checkReportFile, writeReportFile } from "../guard/report-file.ts";
import { type GuardWords, runOptions } from "../guard/run-options.ts";
import { guardProgress } from "../views/guard-progress.ts";
import { reportLines } from "../views/guard-report.ts";

interface Options extends GuardWords {
  readonly daemon: boolean;
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
    .option("--cpu-action <action>", "what that does: shed, pause, stop or ignore (shed)")
    .option("--memory-threshold <limit>", 'of the nearest bound ("80%"), or of the run itself ("6GB")')
    .option("--timeout <seconds>", "how long all of it may take (3600); 0: for ever")
    .option("--grace <seconds>", "how long running tests may take to finish when it stops (10)")
    .option("--resume", "pass over what an earlier attempt finished")
    .option("--rerun-failed", "resume, and run failed tests again")
    .option("--no-daemon", "protect this run by itself")
    .option("--framework <name>", "auto, or one by name (auto)")
    .option("--command <command>", "guard any shell command instead")
    .option("--items <file>", "run the command once per line of this file; {} stands for the line")
    .option("--jobs <n>", "files or workers at a time")
    .option("--reporter <name>", "auto, progress, plain, json or github", "auto")
    .option("--junit <file>", "write JUnit XML")
    .option("--output <file>", "write the whole outcome as JSON")
    .option("--checkpoint <folder>", "where the journal is kept (.constellation/test)")
    .action(async (words: string[], options: Options) => {
      const root = process.cwd();
      const machine = await loadGlobalConfig();
      const project = await loadGuardConfig(root, importModule);
      const config = layered(machine.config.test, project.config);
      const stateDirectory = resolve(root, options.checkpoint ?? config.checkpoint?.path ?? ".constellation/test");
      const [first, ...others] = words;
      if (others.length === 0 && (first === "status" || first === "history")) {
        const { historyLines, statusLines } = await import("../views/guard-history.ts");
        const at = placesIn(stateDirectory);
        const lines = first === "status" ? statusLines(at, context.out) : await historyLines(at, context.out);
        for (const line of lines) context.out.line(line);
        return;
      }
      const argv = argvOf(command);
      const separator = argv.indexOf("--");
      const args = separator < 0 ? [] : argv.slice(separator + 1);
      const paths = args.length === 0 ? words : words.slice(0, words.length - args.length);
      const run = runOptions({ root, stateDirectory, paths, args }, options, config);
      context.exitCode = await guard(run, options, config, context);
    });
}

async function guard(run: RunOptions, options: Options, config: GuardConfig, context: Context): Promise<number> {
  const { out, err, signal } = context;
  // Without us its tests would go on unguarded, or count as passed.
  for (const each of [out, err]) each.outliveReader();
  const reporter = reporterOf(options.reporter, out.interactive);
  checkReportFile("--junit", options.junit);
  checkReportFile("--output", options.output);
  const progress = guardProgress(err, reporter === "progress");
  const state = openStateDirectory(run.stateDirectory ?? "");
  const whole: RunOptions = {
    ...run,
    output: reporter === "progress" || reporter === "json" ? "log" : "inherit",
    signal,
    onEvent: (event) => progress.show(event),
  };
  if (run.selfProtect !== true) progress.note("Without --self-protect: nothing stops this run.");
  else if (!options.daemon) progress.note("Without a daemon: this run protects itself.");
  const isAlone = run.selfProtect !== true || !options.daemon;
  const outcome = await (isAlone ? runGuarded(whole) : coordinated(whole, config)).finally(() => progress.done());
  await outputHandedOver();
  await keepHistory(state.path, outcome, (text) => progress.note(text));
  if (reporter === "json") out.line(JSON.stringify(outcomeJson(outcome)));
  else {
    if (reporter === "github") for (const line of githubAnnotations(outcome)) out.line(line);
    const log = reporter === "progress" ? state.output : undefined;
    for (const line of reportLines(outcome, err, log)) err.line(line);
  }
  writeReportFile("--junit", options.junit, () => junitXml(outcome));
  writeReportFile("--output", options.output, () => JSON.stringify(outcomeJson(outcome)));
  return outcome.exitCode;
}

function coordinated(run: RunOptions, config: GuardConfig): Promise<RunOutcome> {
  const { CONSTELLATION_LEASE: leaseId } = process.env;
  // It is ours alone: a guarded run inside the tests is a run of its own.
  delete process.env["CONSTELLATION_LEASE"];
  return runCoordinated(run, {
    socketPath: currentPlaces().guardSocketPath,
    ...(leaseId === undefined ? {} : { leaseId }),
    restart: config.restart ?? true,
    ports: config.ports ?? 0,
    launch: launchOf(process.argv, run.root),
  });
}

/** A run whose history cannot be kept has still run. */
async function keepHistory(folder: string, outcome: RunOutcome, note: (text: string) => void): Promise<void> {
  try {
    const { openHistory } = await import("../guard/history.ts");
    const history = openHistory(join(folder, "history.db"));
    try {
      await history.record(historyEntry(outcome, Date.now()));
    } finally {
      await history.close();
    }
  } catch (error) {
    note(`history was not kept: ${error instanceof Error ? error.message : String(error)}`);
  }
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
