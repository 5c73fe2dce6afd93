import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ConstellationError, type Exit, parseApp, type AppInput } from "@constellation/contract";
import { type Driver, type RunHandle, type StartRequest } from "@constellation/instances";
import { readRunRecord } from "../../src/process/run-record.ts";
import { requestFor } from "../driver/conformance.ts";
import type { Playground } from "./playground.ts";

const { signal } = new AbortController();

/** A request for a shell script, with the settings of a spec. */
export function shell(playground: Playground, script: string, spec: Partial<AppInput> = {}): StartRequest {
  return command(playground, ["sh", "-c", script], spec);
}

/** A request for a command, with the settings of a spec. */
export function command(playground: Playground, argv: string[], spec: Partial<AppInput> = {}): StartRequest {
  const { resources, isolation, env, mounts, logs, stop, folder } = parseApp({ name: "x", command: argv, ...spec });
  return requestFor(
    { kind: "command", argv },
    { resources, isolation, mounts, logs, stop, folder, env: { ...env, ...playground.env } },
  );
}

/** What a run showed. */
export interface RunToEnd {
  readonly start: string;
  /** For people. */
  readonly plan: string;
  readonly exit: Exit;
  readonly lines: string[];
  readonly measures: Record<string, string>;
  readonly details: Record<string, string>;
}

/** Starts a run and waits for its end; its lines, exit and measures. The run is released. */
export async function runToEnd(driver: Driver, request: StartRequest): Promise<RunToEnd> {
  const handle = await driver.start(request, { signal });
  const plan = await handle.plan();
  const lines: string[] = [];
  for await (const line of handle.logs({ from: "beginning", signal })) lines.push(line.text);
  const exit = await handle.wait();
  await end(driver, handle);
  const { measures, start } = handle.facts;
  return {
    start,
    plan,
    exit,
    lines,
    measures: Object.fromEntries(measures.map(({ name, state }) => [name, state])),
    details: Object.fromEntries(measures.map(({ name, detail }) => [name, detail])),
  };
}

/** Ends a run, wherever it stands, and releases it. */
export async function end(driver: Driver, handle: RunHandle): Promise<Exit> {
  const exit = await handle.kill();
  handle.detach();
  await driver.release(handle.facts.runId);
  return exit;
}

/** Resolves when a line like this is in the log. */
export async function line(handle: RunHandle, pattern: RegExp): Promise<string> {
  for await (const { text } of handle.logs({ from: "beginning", signal })) if (pattern.test(text)) return text;
  throw new Error(`the run ended without a line like ${String(pattern)}`);
}

/** What a check refuses; null: nothing. */
export async function refusalOf(check: Promise<void>): Promise<ConstellationError | null> {
  try {
    await check;
    return null;
  } catch (error) {
    if (error instanceof ConstellationError) return error;
    throw error;
  }
}

/** The error of a start that must fail. */
export async function refusal(driver: Driver, request: StartRequest): Promise<ConstellationError> {
  const outcome: unknown = await driver.start(request, { signal }).catch((error: unknown) => error);
  if (outcome instanceof ConstellationError) return outcome;
  if (outcome instanceof Error) throw outcome;
  await end(driver, outcome as RunHandle);
  throw new Error("the start was not refused");
}

/** How many processes the kernel allows a run, as its file says it. */
export function boundOf({ runtime }: Playground, { facts }: RunHandle): string {
  const location = readRunRecord(join(runtime, "runs", facts.runId))?.cgroup ?? null;
  if (location === null) throw new Error("the run has no control group");
  const folder = location.version === 2 ? location.directory : location.directories["pids"];
  return readFileSync(`${folder}/pids.max`, "utf8").trim();
}
