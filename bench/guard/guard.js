// What the guard costs and how fast it acts. Usage: node bench/guard/guard.js [check|memory|overhead|hogs …] [hogs=20] [rounds=7]
// Without names all is measured; else the other rows of the last result stay.
// Build first: npm run build; (cd e2e/guard && npm install). Needs root or a delegated control group.
import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { createCgroup, openCgroupBase, removeCgroupBase } from "../../packages/host/dist/index.js";
import { openGuardGauge } from "../../packages/guard/dist/gauge/gauge.js";
import { calm, decide } from "../../packages/guard/dist/policy/level.js";
import { defaultPolicy } from "../../packages/guard/dist/policy/settings.js";

const words = process.argv.slice(2);
const wanted = words.filter((word) => /^[a-z]+$/.test(word));
const [hogs = 20, rounds = 7] = words.flatMap((word) => /^(?:hogs=|rounds=)?(\d+)$/.exec(word)?.[1] ?? []).map(Number);
const measures = (part) => wanted.length === 0 || wanted.includes(part);
const cli = new URL("../../packages/cli/dist/constellation.js", import.meta.url).pathname;
const e2e = new URL("../../e2e/guard/", import.meta.url).pathname;
const GiB = 2 ** 30;
const root = realpathSync(mkdtempSync(join(tmpdir(), "bench-guard-")));
const { PATH, HOME } = process.env;
const rows = [];

try {
  if (measures("check")) await checkCost();
  if (measures("memory")) await memoryCost();
  if (measures("overhead")) overhead();
  if (measures("hogs")) await hogRuns();
} finally {
  rmSync(root, { recursive: true, force: true });
}
console.table(rows);
const result = new URL("../results/guard.json", import.meta.url);
const earlier = wanted.length > 0 && existsSync(result) ? JSON.parse(readFileSync(result, "utf8")).rows : [];
const kept = earlier.filter(({ what }) => !rows.some((row) => row.what === what));
mkdirSync(new URL("../results/", import.meta.url), { recursive: true });
writeFileSync(
  result,
  `${JSON.stringify({ at: new Date().toISOString(), machine: { cpu: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem(), kernel: release(), load1: loadavg()[0] }, node: process.version, rows: [...kept, ...rows] }, null, 2)}\n`,
);

/** One look at the machine and one decision, with 100 processes in the run's group. */
async function checkCost() {
  const { group, base } = openGroup({});
  const children = [];
  try {
    for (let n = 0; n < 100; n++) children.push(startIn(group, "sleep", ["300"]));
    while (group.processes().length < 100) await new Promise((resolve) => setTimeout(resolve, 20));
    const gauge = openGuardGauge(() => group);
    let state = calm;
    const us = [];
    for (let n = 0; n < 600; n++) {
      const startedAt = performance.now();
      state = decide(state, { ...gauge.read(), shielded: [] }, defaultPolicy);
      if (n >= 100) us.push((performance.now() - startedAt) * 1000);
    }
    gauge.close();
    add("check with 100 processes in the tree", us, "µs", "< 1000");
    const startedAt = performance.now();
    await group.kill();
    rows.push({
      what: "kill 100 processes by their group",
      median: round(performance.now() - startedAt),
      unit: "ms",
      goal: "≤ 500",
    });
  } finally {
    await closeGroup(group, base);
    for (const child of children) child.kill("SIGKILL");
  }
}

/**
 * What a process takes that waits for a child, alone and with a guard, while the run goes on: after 12 s, when V8 has given
 * back what starting took (its memory reducer waits 8 s), and after 2 s. "The guard" is the library as it is shipped, in one
 * file, in a Node that does nothing else; the command has its command line, its reporter and its settings besides.
 */
async function memoryCost() {
  const folder = project("memory", {});
  const seconds = 18;
  const bareFile = join(root, "bare.mjs");
  writeFileSync(
    bareFile,
    `import { spawn } from "node:child_process"; spawn("sleep", ["${seconds}"], { stdio: "inherit" });`,
  );
  const library = await bundleLibrary(seconds);
  const words = ["test", "--no-daemon", "--reporter", "json", "--command", `sleep ${seconds}`];
  const programs = {
    bare: [bareFile],
    library: [library, folder],
    unguarded: [cli, ...words],
    command: [cli, ...words, "--self-protect"],
  };
  const taken = { bare: [], library: [], unguarded: [], command: [] };
  for (let n = 0; n < 3; n++)
    for (const [name, program] of Object.entries(programs))
      taken[name].push(await waiting([process.execPath, ...program], folder));
  const memory = (name, when) => taken[name].map((each) => each[when]);
  const difference = (what, more, less, when, goal = "") =>
    rows.push({ what, median: round(median(memory(more, when)) - median(memory(less, when))), unit: "MiB", goal });
  add("private memory: bare Node, waiting for a child", memory("bare", "settledMiB"), "MiB");
  add("private memory: bare Node with the guard", memory("library", "settledMiB"), "MiB");
  add("private memory: constellation test, not protecting", memory("unguarded", "settledMiB"), "MiB");
  add("private memory: constellation test --self-protect", memory("command", "settledMiB"), "MiB");
  difference("the guard in a process that waits for the run", "library", "bare", "settledMiB", "≤ 2 MB (1.91 MiB)");
  difference("constellation test with --self-protect over without", "command", "unguarded", "settledMiB", "≤ 2 MB");
  difference("the whole command over bare Node", "command", "bare", "settledMiB");
  difference("the guard in a process, 2 s after its start", "library", "bare", "startedMiB");
  difference("the whole command over bare Node, 2 s after its start", "command", "bare", "startedMiB");
  const cpu = taken.command.map(({ cpuPercent }) => cpuPercent);
  add("guard's own CPU during a run", cpu, "% of one core", "≤ 1");
}

/** The guard as it is shipped: one file, its text as small as the command's. */
async function bundleLibrary(seconds) {
  const outfile = join(root, "library.mjs");
  const source = new URL("../../packages/guard/src/run/run.ts", import.meta.url).pathname;
  await build({
    stdin: {
      contents: `import { runGuarded } from ${JSON.stringify(source)};
await runGuarded({ root: process.argv[2], command: "sleep ${seconds}", output: "log" });`,
      resolveDir: root,
      loader: "ts",
    },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["constellation-source"],
    external: ["zod", "yaml"],
    charset: "ascii",
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: "error",
  });
  return outfile;
}

/** Private memory of a process after 2 s and after 12 s, and its CPU in the 5 s before that. */
async function waiting([program, ...args], cwd) {
  const child = spawn(program, args, { cwd, env: { PATH, HOME }, stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const privateMiB = () =>
    Number(/^Private_Dirty:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/smaps_rollup`, "utf8"))[1]) / 1024;
  await pause(2000);
  const startedMiB = privateMiB();
  await pause(5000);
  const ticks = () => {
    const [utime, stime] = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1].split(" ").slice(11, 13);
    return Number(utime) + Number(stime);
  };
  const before = ticks();
  await pause(5000);
  const cpuPercent = (ticks() - before) / 5;
  const settledMiB = privateMiB();
  child.kill("SIGINT");
  await ended;
  return { startedMiB, settledMiB, cpuPercent };
}

/** The same Mocha suite of 4,000 tests bare and guarded, in turns; the guard's program is bare node + the library. */
function overhead() {
  const folder = project("mocha", { scripts: { test: "mocha" } });
  symlinkSync(join(e2e, "node_modules"), join(folder, "node_modules"));
  mkdirSync(join(folder, "test"));
  for (let file = 0; file < 20; file++)
    writeFileSync(
      join(folder, `test/s${file}.js`),
      `for (let n = 0; n < 200; n++) it("test " + n, () => { for (const until = performance.now() + 1; performance.now() < until;); });`,
    );
  const environment = { PATH, HOME };
  const bare = [];
  const guarded = [];
  for (let n = 0; n < rounds; n++) {
    bare.push(timed(join(folder, "node_modules/.bin/mocha"), [], folder, environment));
    guarded.push(timed(process.execPath, [join(e2e, "protected.js"), folder], folder, environment, "tookMs"));
  }
  add("Mocha, 4,000 tests, bare", bare, "ms");
  add("Mocha, 4,000 tests, guarded", guarded, "ms");
  rows.push({
    what: "overhead of the guard",
    // Round by round: whatever else the machine does in a round it does to both.
    median: round(median(guarded.map((ms, at) => 100 * (ms / bare[at] - 1)))),
    unit: "% of wall time",
    goal: "≤ 1",
  });
}

/** A process that fills memory at full speed in a group of 4 GiB: who stops it, and how fast. */
async function hogRuns() {
  const reactions = [];
  let stopped = 0;
  const reasons = [];
  for (let n = 0; n < hogs; n++) {
    const folder = project(`hog${n}`, { scripts: { test: "node --test" } });
    cpSync(join(e2e, "hog.js"), join(folder, "hog.test.cjs"));
    const { group, base } = openGroup({ memoryBytes: 4 * GiB });
    try {
      const child = startIn(
        group,
        process.execPath,
        [join(e2e, "protected.js"), folder],
        { HOG_BYTES: String(8 * GiB) },
        "pipe",
      );
      let text = "";
      child.stdout.on("data", (chunk) => (text += chunk));
      await new Promise((resolve) => child.once("close", resolve));
      const { kind, reactionMs, reason } = JSON.parse(text.trim().split("\n").at(-1) || "{}");
      // On cgroup v1 a group does not count what the kernel ends in the groups below it; then the guard's reason says it.
      if (kind === "protected" && !/kernel/.test(reason) && group.events().oomKills === 0) stopped += 1;
      if (reactionMs !== null && reactionMs !== undefined) reactions.push(reactionMs);
      reasons.push(reason);
    } finally {
      await closeGroup(group, base);
    }
  }
  rows.push({ what: `hogs stopped before the kernel, of ${hogs}`, median: stopped, unit: "runs", goal: `${hogs}` });
  if (reactions.length > 0) add("kill level to outcome: all gone, journal closed", reactions, "ms", "≤ 500");
  console.log([...new Set(reasons)].join("\n"));
}

function openGroup(limits) {
  const outcome = openCgroupBase({ placement: "own", name: `bench-guard-${process.pid}` });
  if (outcome.kind !== "ready") throw new Error(`needs control groups: ${outcome.missing}; ${outcome.remedy}`);
  const created = createCgroup(outcome.base, `g${performance.now().toFixed(0)}`, limits);
  if (created.kind !== "created") throw new Error(JSON.stringify(created));
  return { group: created.cgroup, base: outcome.base };
}

async function closeGroup(group, base) {
  await group.kill();
  await group.remove();
  group.close();
  removeCgroupBase(base);
}

function startIn(group, program, args, environment = {}, stdout = "ignore") {
  const joins = group.joinTargets.map((target) =>
    target.kind === "tasks" ? target.path : `${target.path}/cgroup.procs`,
  );
  const script = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"';
  return spawn("/bin/sh", ["-c", script, "sh", ...joins, "--", program, ...args], {
    env: { PATH, HOME, ...environment },
    stdio: ["ignore", stdout, "inherit"],
  });
}

function project(name, manifest) {
  const folder = join(root, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, ...manifest }));
  return folder;
}

/** Wall time of a program; of a guarded one without the start of Node and the loading of the library, which are ours alone. */
function timed(program, args, cwd, env, field) {
  const startedAt = performance.now();
  const done = spawnSync(program, args, { cwd, env, encoding: "utf8", maxBuffer: 2 ** 28 });
  if (done.status !== 0) throw new Error(`${program} ended with ${done.status}: ${done.stderr}`);
  return field === undefined ? performance.now() - startedAt : JSON.parse(done.stdout.trim().split("\n").at(-1))[field];
}

function add(what, values, unit, goal = "") {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  rows.push({
    what,
    median: at(0.5),
    p10: at(0.1),
    p90: at(0.9),
    max: round(sorted.at(-1)),
    n: values.length,
    unit,
    goal,
  });
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function round(value) {
  return Math.round(value * 100) / 100;
}
