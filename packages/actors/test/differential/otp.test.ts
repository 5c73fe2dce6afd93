import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { play } from "./play.ts";
import { makeScenarios, toErlang } from "./scenario.ts";

const seed = Number(process.env["OTP_SEED"] ?? 20_261_121);
const count = Number(process.env["OTP_COUNT"] ?? 400);
const hasErlang = canRun("erl", ["-noshell", "-eval", "halt()."]);
if (!hasErlang)
  console.warn("skipped: the comparison with Erlang's supervisor needs `erl` (apt-get install erlang-base)");

// In CI a missing Erlang is a failure, not a skip.
describe.skipIf(!hasErlang && process.env["CI"] === undefined)("the supervisor of Erlang/OTP", () => {
  const folder = mkdtempSync(join(tmpdir(), "otp-oracle-"));
  const scenarios = makeScenarios(seed, count);
  let expected: string[][] = [];

  beforeAll(() => {
    const source = fileURLToPath(new URL("otp_oracle.erl", import.meta.url));
    execFileSync("erlc", ["-o", folder, source]);
    writeFileSync(join(folder, "scenarios"), scenarios.map(toErlang).join("\n"));
    const main = `otp_oracle:main("${join(folder, "scenarios")}", "${join(folder, "trace")}"), halt().`;
    execFileSync("erl", ["+S", "1:1", "-noshell", "-pa", folder, "-eval", main], { timeout: 600_000 });
    expected = readTraces(join(folder, "trace"));
  }, 600_000);

  afterAll(() => rmSync(folder, { recursive: true }));

  it(`does the same as ours in ${count} random scenarios (OTP_SEED=${seed})`, async () => {
    expect(expected).toHaveLength(count);
    for (const [index, scenario] of scenarios.entries()) {
      const isAsync = (id: string): boolean => index % 2 === 1 && Number(id.slice(1)) % 2 === 1;
      const lines = await play(scenario, isAsync);
      expect(lines.map(sortSimultaneous), `scenario ${index} of seed ${seed}: ${JSON.stringify(scenario)}`).toEqual(
        expected[index]?.map(sortSimultaneous),
      );
    }
  }, 600_000);
});

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
