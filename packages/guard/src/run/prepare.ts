import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Adapter, hashOf } from "../adapters/adapter.ts";
import { type Detected, detectFramework } from "../adapters/detect.ts";
import { command } from "../adapters/command.ts";
import { type Ledger, LedgerBook } from "../journal/ledger.ts";
import { planSkips, type SkipPlan, writeSkipPlan } from "../journal/plan.ts";
import { readJournal } from "../journal/read.ts";
import type { JournalRecord } from "../journal/record.ts";
import { type AttemptPlan, planAttempt, some } from "./attempt-plan.ts";
import { readDeathSigns } from "../journal/death-signs.ts";
import type { RunOptions } from "./options.ts";
import { codeChangedSince, hashSources } from "./sources.ts";
import type { StateDirectory } from "./state-directory.ts";

/** Everything that is decided before the first process starts. */
export interface Prepared {
  readonly detected: Detected;
  readonly header: Extract<JournalRecord, { kind: "run" }>;
  /** What earlier attempts at this run found; undefined: this is the first. */
  readonly earlier: Ledger | undefined;
  /** Grows with the journal. */
  readonly book: LedgerBook;
  readonly skips: SkipPlan;
  readonly attempt: AttemptPlan;
  readonly notes: readonly string[];
}

/** Reads the journal if there is something to resume, and plans the attempt. */
export function prepareRun(options: RunOptions, state: StateDirectory, defaultJobs: number): Prepared {
  const detected = detect(options);
  const suite = suiteHash(options, detected);
  const notes: string[] = [];
  const { others = [] } = detected;
  if (others.length > 0 && (options.paths ?? []).length === 0)
    notes.push(
      `of the test script in package.json this is one step; the others do not run here: ${others.join(" | ")}`,
    );
  const known = options.resume === true ? earlierBook(state, suite, detected, notes) : undefined;
  const hashNow = cached(hashOf(detected.adapter, options.root));
  const changed = known?.forgetChanged(hashNow) ?? [];
  const earlier = known?.ledger();
  const skips =
    earlier === undefined
      ? { finished: new Map(), wholeFiles: new Set<string>(), changed: [] }
      : planSkips(earlier, hashNow, { rerunFailed: options.rerunFailed === true, except: options.haveRunAgain });
  const gone = changed.filter((file) => hashNow(file) === "unreadable" && !file.startsWith("("));
  const edited = changed.filter((file) => hashNow(file) !== "unreadable");
  if (edited.length > 0) notes.push(`${edited.length} test file(s) changed since and run again: ${some(edited)}`);
  if (gone.length > 0) notes.push(`${gone.length} test file(s) are gone, and so are their results: ${some(gone)}`);
  if (earlier !== undefined && (options.sources ?? []).length === 0) {
    const tests = new Set([...earlier.tests.values()].map(({ file }) => file));
    for (const file of changed) tests.add(file);
    const code = codeChangedSince(options.root, Date.parse(earlier.run.at), tests);
    if (code.length > 0)
      notes.push(
        `WARNING: code changed since this run began (${some(code)}); tests that finished before are NOT run again: start without --resume to run them, or name the code in "sources"`,
      );
  }
  const attempt = planAttempt(
    earlier?.attempts ?? [],
    options.jobs ?? defaultJobs,
    {
      known: new Set(earlier?.unfit.keys() ?? []),
      ended: new Set(earlier?.ended.keys() ?? []),
      changed: new Set(changed),
    },
    readDeathSigns(),
  );
  if (attempt.note !== "") notes.push(attempt.note);
  const header = earlier?.run ?? {
    kind: "run" as const,
    version: 1 as const,
    run: randomUUID(),
    framework: detected.adapter.name,
    suite,
    at: new Date().toISOString(),
  };
  writeSkipPlan(state.plan, withUnfit(skips, attempt, earlier), hashNow);
  return { detected, header, earlier, book: known ?? new LedgerBook(header), skips, attempt, notes };
}

/** Files that are not to be loaded in this attempt have a plan, too, for frameworks that cannot be told on the command line. */
function withUnfit(skips: SkipPlan, attempt: AttemptPlan, earlier: Ledger | undefined): SkipPlan {
  const out = [...attempt.suspects, ...attempt.unfit.map(({ file }) => file), ...(earlier?.unfit.keys() ?? [])];
  return {
    ...skips,
    finished: new Map([...out.map((file) => [file, []] as const), ...skips.finished]),
    wholeFiles: new Set([...skips.wholeFiles, ...out]),
  };
}

function detect(options: RunOptions): Detected {
  if (options.command !== undefined)
    return {
      adapter: command(options.command, options.items),
      args: [],
      environment: {},
      node: [],
      because: "--command",
    };
  return detectFramework(options.root, options.framework ?? "auto");
}

function earlierBook(
  state: StateDirectory,
  suite: string,
  { adapter }: Detected,
  notes: string[],
): LedgerBook | undefined {
  const content = readJournal(state.journal);
  if (content.kind === "absent") {
    notes.push("there is nothing to resume: all tests run");
    return undefined;
  }
  if (content.kind === "corrupt") {
    const aside = `${state.journal}.corrupt`;
    renameSync(state.journal, aside);
    notes.push(
      `WARNING: the journal is corrupt at line ${content.line} (${content.reason}): ALL tests run; it is kept as ${aside}`,
    );
    return undefined;
  }
  if (content.tornLines > 0)
    notes.push(`${content.tornLines} half-written record(s) passed over: those tests run again`);
  const [run] = content.records;
  if (run?.kind === "run" && run.suite === suite) {
    const book = new LedgerBook(run);
    for (const record of content.records) book.add(record);
    const exit = unexplainedExit(book.ledger(), adapter);
    if (exit === undefined) return book;
    // With nothing left to run it would pass.
    notes.push(
      `no test failed, but ${adapter.name} ended with ${exit}, and nothing says which test it was: all tests run`,
    );
    return undefined;
  }
  notes.push("the suite's configuration, arguments or sources changed since the journal was written: all tests run");
  return undefined;
}

/** What an attempt that went through ended with, when nothing in the journal is the reason of it (a coverage threshold, say). */
function unexplainedExit(ledger: Ledger, adapter: Adapter): number | undefined {
  const { stop, open } = ledger.attempts.at(-1) ?? {};
  if (stop?.why !== "finished" || stop.exit === null || stop.exit === 0 || (open?.length ?? 0) > 0) return undefined;
  if (adapter.shape === "whole" && adapter.nothingToRun.includes(stop.exit) && ledger.tests.size > 0) return undefined;
  const hasReason =
    ledger.troubles.length > 0 ||
    ledger.unfit.size > 0 ||
    [...ledger.tests.values()].some(({ status }) => status === "failed");
  return hasReason ? undefined : stop.exit;
}

/** What decides which tests there are, beside the test files themselves, which are hashed one by one. */
function suiteHash(options: RunOptions, detected: Detected): string {
  const hash = createHash("sha256");
  const { name } = detected.adapter;
  hash.update(
    JSON.stringify([
      1,
      name,
      detected.args,
      detected.node,
      options.args ?? [],
      options.paths ?? [],
      options.command,
      options.items,
    ]),
  );
  if (options.sources !== undefined && options.sources.length > 0)
    hash.update(hashSources(options.root, options.sources));
  for (const path of lockFiles(options.root)) hash.update(`\0${basename(path)}\0`).update(readFileSync(path));
  for (const file of configurationFiles) {
    const path = join(options.root, file);
    hash.update(`\0${file}\0`);
    if (existsSync(path)) hash.update(readFileSync(path));
  }
  return hash.digest("hex").slice(0, 16);
}

/** A workspace has its lock file above the package that is tested; further up than its repository nobody looks. */
function lockFiles(root: string): string[] {
  for (let at = root; ; at = dirname(at)) {
    const found = lockFileNames.map((name) => join(at, name)).filter((path) => existsSync(path));
    if (found.length > 0 || existsSync(join(at, ".git")) || dirname(at) === at) return found;
  }
}

const lockFileNames = [
  "package-lock.json",
  "npm-shrinkwrap.json",
  "pnpm-lock.yaml",
  "yarn.lock",
  "bun.lock",
  "uv.lock",
  "poetry.lock",
  "Cargo.lock",
];

const endings = ["js", "cjs", "mjs", "ts", "cts", "mts", "json"];
const configurationFiles = [
  "package.json",
  ...["vitest.config", "vite.config", "jest.config", "playwright.config"].flatMap((name) =>
    endings.map((ending) => `${name}.${ending}`),
  ),
  ".mocharc.js",
  ".mocharc.cjs",
  ".mocharc.mjs",
  ".mocharc.json",
  ".mocharc.jsonc",
  ".mocharc.yml",
  ".mocharc.yaml",
  "pytest.ini",
  "pyproject.toml",
  "setup.cfg",
  "tox.ini",
  "conftest.py",
  "go.mod",
  "go.sum",
  ".config/nextest.toml",
];

function cached(of: (file: string) => string): (file: string) => string {
  const known = new Map<string, string>();
  return (file) => {
    const value = known.get(file) ?? of(file);
    known.set(file, value);
    return value;
  };
}
