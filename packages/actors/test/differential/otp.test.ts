import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { play } from "./play.ts";
import { makeScenarios, toErlang, type Scenario } from "./scenario.ts";

const seed = Number(process.env["OTP_SEED"] ?? 20_261_121);
const count = Number(process.env["OTP_COUNT"] ?? 400);
/** Where what Erlang did is kept for further runs with the same seed, as mutation testing makes many. */
const kept = process.env["OTP_TRACES"];
const hasErlang = canRun("erl", ["-noshell", "-eval", "halt()."]);
if (!hasErlang)
  console.warn("skipped: the comparison with Erlang's supervisor needs `erl` (apt-get install erlang-base)");

// In CI a missing Erlang is a failure, not a skip.
describe.skipIf(!hasErlang && process.env["CI"] === undefined)("the supervisor of Erlang/OTP", () => {
  const folder = mkdtempSync(join(tmpdir(), "otp-oracle-"));
  const scenarios = makeScenarios(seed, count);
  let expected: string[][] = [];

  beforeAll(() => {
    const trace = kept === undefined ? join(folder, "trace") : `${kept}.${seed}.${count}`;
    if (!existsSync(trace)) record(trace, folder, scenarios);
    expected = readTraces(trace);
  }, 600_000);

  afterAll(() => rmSync(folder, { recursive: true }));

  it(`does the same as ours in ${count} random scenarios (OTP_SEED=${seed})`, async () => {
    expect(expected).toHaveLength(count);
    for (const [index, scenario] of scenarios.entries()) {
      const isAsync = (id: string): boolean => index % 2 === 1 && Number(id.slice(1)) % 2 === 1;
      const lines = await play(scenario, isAsync);
      const inOrder = (line: string): string => (scenario.races ? byOwner(line, scenario) : sortSimultaneous(line));
      const [theirs, ours] = untilForgotten(expected[index] ?? [], lines);
      expect(ours.map(inOrder), `scenario ${index} of seed ${seed}: ${JSON.stringify(scenario)}`).toEqual(
        theirs.map(inOrder),
      );
    }
  }, 600_000);
});

/** Plays the scenarios on Erlang's supervisors and writes down what happened. */
function record(trace: string, folder: string, scenarios: readonly Scenario[]): void {
  const source = fileURLToPath(new URL("otp_oracle.erl", import.meta.url));
  execFileSync("erlc", ["-o", folder, source]);
  writeFileSync(join(folder, "scenarios"), scenarios.map(toErlang).join("\n"));
  const main = `otp_oracle:main("${join(folder, "scenarios")}", "${trace}"), halt().`;
  execFileSync("erl", ["+S", "1:1", "-noshell", "-pa", folder, "-eval", main], { timeout: 600_000 });
}

/**
 * Ends that nobody orders: those of dynamic children, which are all told at the same time, and those of the children
 * of a killed supervisor, which end while others go on. Runs of the former are sorted, the latter put first.
 */
function sortSimultaneous(line: string): string {
  const [result, events, snapshot] = line.split("|") as [string, string, string];
  const sorted: string[] = [];
  let run: string[] = [];
  const orphans = events.split(";").filter((event) => event.endsWith("-killed"));
  for (const event of events.split(";")) {
    if (event.endsWith("-killed")) continue;
    if (/^d\d+-/.test(event)) run.push(event);
    else {
      sorted.push(...run.sort(), event);
      run = [];
    }
  }
  return [result, [...orphans.sort(), ...sorted, ...run.sort()].join(";"), snapshot].join("|");
}

/**
 * OTP forgets the pid of a dynamic child that says `ignore` when it is restarted (it keeps a child named `undefined`,
 * and fails over it when it ends): the last step that can be compared is what happened in that one.
 */
function untilForgotten(theirs: readonly string[], ours: readonly string[]): [readonly string[], readonly string[]] {
  const last = theirs.findIndex((line) => line.includes("undefined:stopped"));
  if (last === -1) return [theirs, ours];
  const cut = (lines: readonly string[]): string[] =>
    lines.slice(0, last + 1).map((line, index) => (index < last ? line : line.replace(/[^|]*$/, "")));
  return [cut(theirs), cut(ours)];
}

/** The events of each supervisor's own children, in their order. */
function byOwner(line: string, { owners }: Scenario): string {
  const [result, events, snapshot] = line.split("|") as [string, string, string];
  const groups = new Map<string, string[]>();
  for (const event of events.split(";")) {
    const owner = owners[event.replace(/[^a-z0-9].*/, "")] ?? "nobody";
    groups.set(owner, [...(groups.get(owner) ?? []), event]);
  }
  const sorted = [...groups]
    .map(([owner, own]) => `${owner}: ${sortSimultaneous(`|${own.join(";")}|`)}`)
    .sort((a, b) => (a < b ? -1 : 1));
  return [result, sorted.join(" "), snapshot].join("|");
}

function readTraces(file: string): string[][] {
  const traces: string[][] = [[]];
  for (const line of readFileSync(file, "utf8").trimEnd().split("\n"))
    if (line === "end") traces.push([]);
    else traces.at(-1)?.push(line);
  traces.pop();
  return traces;
}

function canRun(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore", timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}
