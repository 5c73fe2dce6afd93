// A suite that somebody else wrote, under the guard: undisturbed, then killed with its whole tree at random moments and
// resumed, then (with --memory) in a control group too small for it, beside a hog that comes and goes. Says what differs.
// Usage: node e2e/guard/public-suite.js FOLDER [--kills=10] [--seed=1] [--memory=BYTES] [--hog=BYTES] [--verbose] [--node=PATH] [-- words for `test`]
// Build first: npm run build. Prints one line of JSON; ends with 1 when anything was lost, repeated, or otherwise than undisturbed.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { addUp, readJournal } from "../../packages/guard/dist/index.js";
import { readDeathSigns } from "../../packages/guard/dist/journal/death-signs.js";
import {
  createCgroup,
  findByEnvironment,
  openCgroupBase,
  removeCgroupBase,
  signalProcess,
} from "../../packages/host/dist/index.js";

const separator = process.argv.indexOf("--");
const own = process.argv.slice(2, separator < 0 ? undefined : separator);
const words = separator < 0 ? [] : process.argv.slice(separator + 1);
const { values, positionals } = parseArgs({
  args: own,
  allowPositionals: true,
  options: {
    kills: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    memory: { type: "string" },
    hog: { type: "string", default: "0" },
    verbose: { type: "boolean", default: false },
    node: { type: "string", default: process.execPath },
    cli: { type: "string", default: new URL("../../packages/cli/dist/constellation.js", import.meta.url).pathname },
  },
});
const folder = realpathSync(resolve(positionals[0] ?? "."));
const scratch = realpathSync(mkdtempSync(join(tmpdir(), "public-suite-")));
const marker = { name: "E2E_PUBLIC_SUITE", value: scratch };
let seed = Number(values.seed);
mkdirSync(join(scratch, "tmp"));

try {
  const calm = await undisturbed();
  const killed = Number(values.kills) > 0 ? await killedAndResumed(calm) : undefined;
  const memory = values.memory === undefined ? undefined : await inLittleMemory(calm, Number(values.memory));
  const { framework, results, tookMs, peakBytes, warnings, kind, reason } = calm;
  const row = {
    suite: basename(folder),
    framework,
    tests: results.size,
    kind,
    reason,
    tookMs,
    peakMiB: Math.round((peakBytes ?? 0) / 2 ** 20),
    warnings,
    killed,
    memory,
  };
  console.log(JSON.stringify(row, undefined, process.stdout.isTTY ? 2 : undefined));
  if ([killed, memory].some((each) => each !== undefined && !isEqual(each))) process.exitCode = 1;
} finally {
  killTree();
  rmSync(scratch, { recursive: true, force: true });
  const base = openCgroupBase({ placement: "own", name: "constellation-guard" });
  if (base.kind === "ready") removeCgroupBase(base.base);
}

function isEqual({ lost, added, otherwise, repeated, oomKills = 0, gaveUp }) {
  return lost + added + otherwise + repeated + oomKills === 0 && !gaveUp;
}

async function undisturbed() {
  const state = join(scratch, "calm");
  const outcome = await attempt(state, []).ended;
  const log = join(state, "output.log");
  const text = existsSync(log) ? readFileSync(log, "utf8") : "";
  const { kind, reason, framework, tookMs, peakBytes, exit } = outcome;
  const results = resultsIn(state);
  if (results.size === 0)
    throw new Error(`no test ran (exit ${exit}): ${reason ?? outcome.stderr}\n${text.slice(-2000)}`);
  const warnings = (text.match(/\(node:\d+\) \w*Warning|\w+Warning: /g) ?? []).length;
  return { kind, reason, framework, tookMs: Math.round(tookMs), peakBytes, results, warnings };
}

async function killedAndResumed(calm) {
  const state = join(scratch, "killed");
  const most = Number(values.kills);
  let kills = 0;
  let last;
  for (let number = 1; ; number++) {
    const run = attempt(state, number === 1 ? [] : ["--resume"]);
    if (kills >= most) {
      last = await run.ended;
      break;
    }
    const target = finishedIn(state) + between(1, Math.max(1, Math.round((1.6 * calm.results.size) / most)));
    const isOver = await endsBefore(run, state, target);
    if (!isOver) {
      await sleep(between(0, 200));
      killTree();
      kills += 1;
    }
    last = await run.ended;
    if (isOver) break;
  }
  return { kills, kind: last.kind, reason: last.reason, ...compare(calm.results, state) };
}

async function inLittleMemory(calm, memoryBytes) {
  const opened = openCgroupBase({ placement: "own", name: "e2e-public-suite" });
  if (opened.kind !== "ready") throw new Error(`needs control groups: ${opened.missing}`);
  const created = createCgroup(opened.base, `m${process.pid}`, { memoryBytes });
  if (created.kind !== "created") throw new Error("needs a memory limit");
  const { cgroup } = created;
  const state = join(scratch, "memory");
  const hogBytes = Number(values.hog);
  const hog = hogBytes > 0 ? comesAndGoes(cgroup, hogBytes) : undefined;
  try {
    const startedAt = performance.now();
    const signs = readDeathSigns();
    let stops = 0;
    let last;
    for (; stops < 60; stops++) {
      const before = finishedIn(state);
      const begunAt = performance.now();
      const run = attempt(state, stops === 0 ? [] : ["--resume"], cgroup);
      const firstAt = values.verbose ? endsBefore(run, state, before + 1).then(() => performance.now()) : begunAt;
      last = await run.ended;
      if (values.verbose)
        tellAttempt(last, finishedIn(state) - before, (await firstAt) - begunAt, performance.now() - begunAt);
      if (last.exit !== 42) break;
    }
    const tookMs = Math.round(performance.now() - startedAt);
    const { oomKills } = cgroup.events();
    const unfit = last.unfit?.map(({ file }) => file) ?? [];
    return {
      limitMiB: Math.round(memoryBytes / 2 ** 20),
      hogMiB: Math.round(hogBytes / 2 ** 20),
      tookMs,
      stops,
      oomKills,
      // Of the whole machine: on cgroup v1 a group does not count those of the groups below it.
      machineOomKills: (readDeathSigns()?.oomKills ?? 0) - (signs?.oomKills ?? 0),
      kind: last.kind,
      reason: last.reason,
      unfit,
      gaveUp: last.exit === 42,
      ...compare(calm.results, state),
    };
  } finally {
    clearInterval(hog);
    await cgroup.kill();
    await cgroup.remove();
    cgroup.close();
    removeCgroupBase(opened.base);
  }
}

/** One line for one attempt, on stderr. */
function tellAttempt({ kind, reason, peakBytes = 0, exit, stderr = "" }, finished, firstMs, tookMs) {
  const notes = stderr.trim().replaceAll("\n", " | ").slice(0, 300);
  const peak = `${Math.round(peakBytes / 2 ** 20)} MiB`;
  const times = `first after ${Math.round(firstMs)} of ${Math.round(tookMs)} ms`;
  console.error(`${exit} ${kind}: ${finished} tests, ${times}, peak ${peak}: ${reason} ${notes}`);
}

/** Somebody else in the same group, who fills memory now and then and lets it go. */
function comesAndGoes(group, bytes) {
  const script = `const kept = []; for (let n = 0; n < ${bytes}; n += 8388608) kept.push(Buffer.alloc(8388608, 1)); setTimeout(() => {}, 700)`;
  return setInterval(() => void startIn(group, [process.execPath, "-e", script], "ignore"), 2500);
}

function attempt(state, more, group) {
  const at = words.indexOf("--");
  const ours = at < 0 ? words : words.slice(0, at);
  const rest = at < 0 ? [] : words.slice(at);
  const command = [values.node, values.cli, "test", "--self-protect", "--no-daemon", "--reporter", "json"];
  command.push("--checkpoint", state, ...more, ...ours, ...rest);
  const child = startIn(group, command, "pipe");
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const ended = new Promise((done) => child.once("close", done)).then((exit) => {
    const last = stdout.trim().split("\n").at(-1) ?? "";
    return { exit, stderr, ...(last.startsWith("{") ? JSON.parse(last) : { reason: stderr.slice(-1000) }) };
  });
  return { ended };
}

function startIn(group, command, stdio) {
  const joins = (group?.joinTargets ?? []).map((target) =>
    target.kind === "tasks" ? target.path : `${target.path}/cgroup.procs`,
  );
  const script = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"';
  const { PATH, HOME, LANG } = process.env;
  const environment = { PATH, HOME, LANG, TMPDIR: join(scratch, "tmp"), NO_COLOR: "1", [marker.name]: marker.value };
  return spawn("/bin/sh", ["-c", script, "sh", ...joins, "--", ...command], {
    cwd: folder,
    env: environment,
    stdio: ["ignore", stdio, stdio],
  });
}

function killTree() {
  for (let round = 0; round < 50; round++) {
    const found = findByEnvironment(marker);
    if (found.length === 0) return;
    for (const each of found) signalProcess(each, "SIGKILL");
  }
}

function finishedIn(state) {
  const path = join(state, "journal.jsonl");
  return existsSync(path) ? readFileSync(path, "latin1").split('{"kind":"test"').length - 1 : 0;
}

/** Whether the run ended before it had written down so many tests. */
async function endsBefore(run, state, target) {
  const over = new AbortController();
  void run.ended.then(() => over.abort());
  while (!over.signal.aborted && finishedIn(state) < target) await sleep(25);
  return over.signal.aborted;
}

function ledgerOf(state) {
  const content = readJournal(join(state, "journal.jsonl"));
  if (content.kind !== "sound") throw new Error(`the journal is ${JSON.stringify(content)}`);
  return addUp(content.records);
}

function resultsIn(state) {
  const content = readJournal(join(state, "journal.jsonl"));
  return content.kind === "absent"
    ? new Map()
    : new Map([...ledgerOf(state).tests].map(([key, { status }]) => [key, status]));
}

/** What an undisturbed run has and this one has not, and the other way round. */
function compare(wanted, state) {
  const { repeated, troubles } = ledgerOf(state);
  const found = resultsIn(state);
  const lost = [...wanted.keys()].filter((key) => !found.has(key));
  const added = [...found.keys()].filter((key) => !wanted.has(key));
  const otherwise = [...wanted].filter(([key, status]) => found.has(key) && found.get(key) !== status);
  const examples = [
    ...lost,
    ...added,
    ...otherwise.map(([key, status]) => `${key}: ${status}, then ${found.get(key)}`),
  ];
  return {
    lost: lost.length,
    added: added.length,
    otherwise: otherwise.length,
    repeated,
    troubles: troubles.length,
    examples: examples.slice(0, 5),
  };
}

/** The next chance; the same seed draws the same moments again (mulberry32, public domain). */
function between(low, high) {
  seed = (seed + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return low + Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * (high - low + 1));
}
