import { readFileSync } from "node:fs";
import { type GuardConfig, parseThreshold, policyFor, type RunOptions } from "@constellation/guard";
import { ConstellationError } from "@constellation/contract";

/** What the command line says of a guarded run, as it was typed. */
export interface GuardWords {
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
}

/** The command line over the settings. @throws ConstellationError usage.invalid */
export function runOptions(
  place: Pick<RunOptions, "root" | "stateDirectory" | "paths" | "args">,
  words: GuardWords,
  config: GuardConfig,
): RunOptions {
  const timeoutMs = seconds("--timeout", words.timeout) ?? config.timeout;
  const graceMs = seconds("--grace", words.grace) ?? config.grace;
  const jobs = whole("--jobs", words.jobs, 1) ?? config.jobs;
  const command = words.command ?? config.command;
  if (words.items !== undefined && command === undefined)
    throw new ConstellationError("usage.invalid", "Cannot run items without a command", { remedy: "Add --command." });
  const memory =
    words.memoryThreshold === undefined
      ? (config.thresholds?.memory ?? { kind: "share" as const, share: 0.8 })
      : parseThreshold(words.memoryThreshold);
  return {
    ...place,
    framework: words.framework ?? config.framework ?? "auto",
    ...(command === undefined ? {} : { command }),
    ...(words.items === undefined ? {} : { items: linesOf(words.items) }),
    ...(jobs === undefined ? {} : { jobs }),
    resume: words.resume === true || words.rerunFailed === true,
    rerunFailed: words.rerunFailed === true,
    selfProtect: words.selfProtect ?? config.selfProtect ?? false,
    policy: policyFor(memory, {
      cpuShare: (whole("--cpu-threshold", words.cpuThreshold, 1, 100) ?? config.thresholds?.cpu ?? 80) / 100,
      cpuAction: cpuAction(words.cpuAction ?? config.thresholds?.cpuAction ?? "shed"),
    }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(graceMs === undefined ? {} : { graceMs }),
    ...(config.checkInterval === undefined ? {} : { checkIntervalMs: config.checkInterval }),
    ...(config.checkpoint?.interval === undefined ? {} : { syncEveryMs: config.checkpoint.interval }),
    ...(config.sources === undefined ? {} : { sources: config.sources }),
    containers: config.cleanup?.containers ?? true,
    clearPorts: config.cleanup?.ports ?? true,
  };
}

const cpuActions = ["shed", "pause", "stop", "ignore"] as const;

function cpuAction(name: string): (typeof cpuActions)[number] {
  const action = cpuActions.find((each) => each === name);
  if (action !== undefined) return action;
  throw new ConstellationError(
    "usage.invalid",
    `Cannot use --cpu-action "${name}": wanted one of ${cpuActions.join(", ")}`,
  );
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
  let lines: readonly string[];
  try {
    lines = readFileSync(path, "utf8").split(/\r?\n/);
  } catch (cause) {
    throw new ConstellationError("usage.invalid", `Cannot read the items in ${path}`, { cause });
  }
  const items = lines.filter((line) => line.trim() !== "");
  const seen = new Set<string>();
  const twice = items.find((item) => seen.size === seen.add(item).size);
  if (twice !== undefined)
    throw new ConstellationError("usage.invalid", `Cannot tell items apart: ${path} has the line "${twice}" twice`, {
      remedy: "A resumed run passes over items by their line; make each line its own.",
    });
  return items;
}
