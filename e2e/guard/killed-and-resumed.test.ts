import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findByEnvironment, openCgroupBase, removeCgroupBase, signalProcess } from "@constellation/host";
import { addUp, readJournal } from "@constellation/guard";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Chance } from "../chaos/random.ts";
import { kinds, type SuiteKind, testsPerFile, writeSuite } from "./suites.ts";

const program = join(import.meta.dirname, "guarded.js");
const files = 6;
const seed = Number(process.env["CONSTELLATION_CHAOS_SEED"] ?? Date.now() % 2 ** 31);

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "guard-killed-")));
  // Frameworks that are killed leave temporary files of their own.
  mkdirSync(join(folder, "tmp"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  // Groups of killed guards are removed by the next attempt; the base by whoever finds it empty.
  const base = openCgroupBase({ placement: "own", name: "constellation-guard" });
  if (base.kind === "ready") removeCgroupBase(base.base);
});

describe.each(kinds)("a run of $name", (kind) => {
  it("killed with its whole tree at random times has the results of an undisturbed run, and repeats no finished test", async () => {
    const calm = join(folder, "calm");
    const killed = join(folder, "killed");
    writeSuite(calm, kind, files);
    writeSuite(killed, kind, files);
    await attempt(calm, kind, "fresh").ended;
    const wanted = results(calm);
    expect(wanted.size).toBeGreaterThanOrEqual(files * (kind.leastResults ?? testsPerFile));

    console.log(`seed ${seed}: CONSTELLATION_CHAOS_SEED=${seed} draws the same moments again`);
    const chance = new Chance(seed);
    let kills = 0;
    for (let number = 1; number <= 40; number++) {
      const run = attempt(killed, kind, number === 1 ? "fresh" : "resume");
      const before = finishedIn(killed);
      // By progress, not by the clock: after a random number of newly finished tests, or in the middle of starting.
      const target = before + chance.between(1, kind.leastResults ?? testsPerFile);
      const isOver = await Promise.race([
        run.ended.then(() => true),
        until(() => finishedIn(killed) >= target).then(() => false),
      ]);
      if (isOver) break;
      await sleep(chance.between(0, 30));
      killTree(run.marker);
      await run.ended;
      kills += 1;
    }
    expect(kills).toBeGreaterThan(1);
    expect(results(killed)).toEqual(wanted);
    const content = readJournal(join(killed, ".constellation/test/journal.jsonl"));
    expect(content.kind).toBe("sound");
    if (content.kind === "sound") expect(addUp(content.records).repeated).toBe(0);
    // What ran to its end and could not be written down any more: at most one test per worker and kill.
    const bodies = readFileSync(join(killed, "bodies.log"), "utf8").split("\n").filter(Boolean);
    expect(bodies.length - new Set(bodies).size).toBeLessThanOrEqual(kills * 2);
    expect(findByEnvironment({ name: "E2E_GUARD", value: killed })).toEqual([]);
  }, 240_000);
});

describe("a guard that is killed alone", () => {
  it("leaves tests running that the next one ends before it reads what finished: none of them finishes twice", async () => {
    const [kind] = kinds;
    if (kind === undefined) throw new Error("there is no kind of suite");
    const root = join(folder, "alone");
    writeSuite(root, kind, files);
    let kills = 0;
    for (let number = 1; number <= 4; number++) {
      const run = attempt(root, kind, number === 1 ? "fresh" : "resume");
      const target = finishedIn(root) + testsPerFile;
      const isMidway = () => finishedIn(root) >= target && isInAFile(root);
      if (await Promise.race([run.ended.then(() => true), until(isMidway).then(() => false)])) break;
      run.child.kill("SIGKILL");
      await run.ended;
      expect(findByEnvironment({ name: "E2E_GUARD", value: root })).not.toEqual([]);
      kills += 1;
    }
    expect(kills).toBeGreaterThan(0);
    await attempt(root, kind, "resume").ended;
    const content = readJournal(journalOf(root));
    expect(content.kind).toBe("sound");
    if (content.kind === "sound") expect(addUp(content.records).repeated).toBe(0);
    expect(results(root).size).toBeGreaterThanOrEqual(files * testsPerFile);
    expect(findByEnvironment({ name: "E2E_GUARD", value: root })).toEqual([]);
  }, 240_000);
});

function attempt(root: string, { framework, node }: SuiteKind, how: "fresh" | "resume") {
  const child: ChildProcess = spawn(node ?? process.execPath, [program, root, framework, how], {
    env: { ...cleanEnvironment(), E2E_GUARD: root, BODY_LOG: join(root, "bodies.log") },
    stdio: ["ignore", "ignore", "inherit"],
  });
  return { child, marker: root, ended: new Promise<void>((resolve) => child.once("exit", () => resolve())) };
}

/** Without what the test runner that runs this test has put there for its own workers. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, LANG } = process.env;
  return { PATH, HOME, LANG, NO_COLOR: "1", TMPDIR: join(folder, "tmp") };
}

function killTree(marker: string): void {
  for (let round = 0; round < 50; round++) {
    const found = findByEnvironment({ name: "E2E_GUARD", value: marker });
    if (found.length === 0) return;
    for (const each of found) signalProcess(each, "SIGKILL");
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; waited < 120_000 && !holds(); waited += 10) await sleep(10);
}

const journalOf = (root: string): string => join(root, ".constellation/test/journal.jsonl");

function finishedIn(root: string): number {
  return existsSync(journalOf(root)) ? readFileSync(journalOf(root), "utf8").split('{"kind":"test"').length - 1 : 0;
}

/** Whether the newest body that ended has many after it in its file: some test runs now, and will for a while. */
function isInAFile(root: string): boolean {
  return /\.[0-3]\n$/.test(readFileSync(join(root, "bodies.log"), "utf8"));
}

function results(root: string): Map<string, string> {
  const content = readJournal(journalOf(root));
  if (content.kind !== "sound") throw new Error(`the journal is ${content.kind}`);
  return new Map([...addUp(content.records).tests].map(([key, { status }]) => [key, status] as const));
}
