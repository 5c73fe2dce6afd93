// What the guard adds to suites that somebody else wrote: bare and guarded in turns, the same output into a file.
// Usage: node bench/guard/real-suites.js [rounds=7] NAME FOLDER 'bare command' 'words for constellation test' …
// Build first: npm run build. Rows go into bench/results/guard-real-suites.json, those of other suites there stay.
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";

const cli = new URL("../../packages/cli/dist/constellation.js", import.meta.url).pathname;
const [first = "", ...others] = process.argv.slice(2);
const rounds = /^rounds=\d+$/.test(first) ? Number(first.slice(7)) : 7;
const words = /^rounds=\d+$/.test(first) ? others : [first, ...others];
if (words.length < 4 || words.length % 4 !== 0)
  throw new Error(
    `wanted a name, a folder, a command and words for the guard (may be empty) of each suite, found ${words.length} words`,
  );
const scratch = realpathSync(mkdtempSync(join(tmpdir(), "bench-real-")));
const { PATH, HOME, LANG } = process.env;
const rows = [];

try {
  for (let at = 0; at < words.length; at += 4) {
    measure(...words.slice(at, at + 4));
    save();
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.table(rows);

function measure(name, folder, bareCommand, guardWords) {
  const cwd = realpathSync(resolve(folder));
  const bareMs = [];
  const wallMs = [];
  const guardMs = [];
  let tests = 0;
  for (let round = 0; round <= rounds; round++) {
    const bare = timed("/bin/sh", ["-c", bareCommand], cwd);
    const state = join(scratch, `state-${name}-${round}`);
    const command = `exec "$0" "$1" test --self-protect --no-daemon --reporter json --checkpoint "$2" ${guardWords} >"$2.json"`;
    const wall = timed("/bin/sh", ["-c", command, process.execPath, cli, state], cwd);
    const outcome = JSON.parse(readFileSync(`${state}.json`, "utf8").trim().split("\n").at(-1));
    if (outcome.kind !== "passed" && outcome.kind !== "failed") throw new Error(`${name}: ${outcome.reason}`);
    tests = outcome.tests.length;
    rmSync(state, { recursive: true });
    // The first round fills the caches of the disk and of the framework.
    if (round === 0) continue;
    bareMs.push(bare);
    wallMs.push(wall);
    guardMs.push(outcome.tookMs);
  }
  const ratios = (of) => of.map((ms, at) => 100 * (ms / bareMs[at] - 1));
  rows.push({
    suite: name,
    tests,
    rounds,
    bareMs: Math.round(median(bareMs)),
    guardedMs: Math.round(median(guardMs)),
    commandMs: Math.round(median(wallMs)),
    guardPercent: round2(median(ratios(guardMs))),
    spread: `${round2(Math.min(...ratios(guardMs)))} to ${round2(Math.max(...ratios(guardMs)))}`,
    commandPercent: round2(median(ratios(wallMs))),
  });
}

/** Wall time of a program whose output goes into a file. A suite may fail: then it fails both ways. */
function timed(program, args, cwd) {
  const output = openSync(join(scratch, "output"), "w");
  const startedAt = performance.now();
  const { error } = spawnSync(program, args, { cwd, env: { PATH, HOME, LANG }, stdio: ["ignore", output, output] });
  closeSync(output);
  if (error !== undefined) throw error;
  return performance.now() - startedAt;
}

function save() {
  const path = new URL("../results/guard-real-suites.json", import.meta.url);
  mkdirSync(new URL("../results/", import.meta.url), { recursive: true });
  const earlier = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).rows : [];
  const kept = earlier.filter(({ suite }) => !rows.some((row) => row.suite === suite));
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    load1: loadavg()[0],
  };
  const meaning = {
    guardPercent:
      "median over rounds of (guarded, from the library's first line to its outcome) over (bare command), less one",
    commandPercent: "the same for the whole command: start of Node, loading, report and history too",
  };
  writeFileSync(
    path,
    `${JSON.stringify({ at: new Date().toISOString(), machine, node: process.version, meaning, rows: [...kept, ...rows] }, null, 2)}\n`,
  );
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function round2(value) {
  return Math.round(value * 100) / 100;
}
