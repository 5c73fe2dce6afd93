// What the guard costs and how fast it acts. Usage: node bench/guard/guard.js [hogs=20] [rounds=7]
// Build first: npx tsc -b packages/guard; (cd e2e/guard && npm install). Needs root or a delegated control group.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { createCgroup, openCgroupBase, removeCgroupBase } from "../../packages/host/dist/index.js";
import { openGuardGauge } from "../../packages/guard/dist/gauge/gauge.js";
import { calm, decide } from "../../packages/guard/dist/policy/level.js";
import { defaultPolicy } from "../../packages/guard/dist/policy/settings.js";

const hogs = Number(process.argv[2] ?? 20);
const rounds = Number(process.argv[3] ?? 7);
const e2e = new URL("../../e2e/guard/", import.meta.url).pathname;
const GiB = 2 ** 30;
const root = realpathSync(mkdtempSync(join(tmpdir(), "bench-guard-")));
const { PATH, HOME } = process.env;
const rows = [];

try {
  await checkCost();
  steadyCost();
  overhead();
  if (hogs > 0) await hogRuns();
} finally {
  rmSync(root, { recursive: true, force: true });
}
console.table(rows);
mkdirSync(new URL("../results/", import.meta.url), { recursive: true });
writeFileSync(
  new URL("../results/guard.json", import.meta.url),
  `${JSON.stringify({ at: new Date().toISOString(), machine: { cpu: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem(), kernel: release(), load1: loadavg()[0] }, node: process.version, rows }, null, 2)}\n`,
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
      state = decide(state, gauge.read(), defaultPolicy);
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

/** What the guard itself takes while a run does nothing for 20 s. */
function steadyCost() {
  const folder = project("steady", {});
  const text = run(
    `const before = process.memoryUsage.rss(); const { runGuarded } = await import(${JSON.stringify(new URL("../../packages/guard/dist/index.js", import.meta.url).href)});
     global.gc?.(); const loaded = process.memoryUsage.rss(); const cpu = process.cpuUsage(); const at = performance.now(); let rss = 0;
     const timer = setInterval(() => (rss = Math.max(rss, process.memoryUsage.rss())), 1000);
     await runGuarded({ root: ${JSON.stringify(folder)}, command: "sleep 20", containers: false });
     clearInterval(timer); const used = process.cpuUsage(cpu);
     console.log(JSON.stringify({ percent: (used.user + used.system) / 10 / (performance.now() - at), loadedMiB: (loaded - before) / 2 ** 20, runningMiB: (rss - loaded) / 2 ** 20 }));`,
  );
  const { percent, loadedMiB, runningMiB } = JSON.parse(text);
  rows.push({ what: "guard's own CPU during a run", median: round(percent), unit: "% of one core", goal: "≤ 1" });
  rows.push({
    what: "memory: code of the guard, loaded",
    median: round(loadedMiB),
    unit: "MiB",
    goal: "≤ 2 (all of it)",
  });
  rows.push({ what: "memory: guarding for 20 s", median: round(runningMiB), unit: "MiB", goal: "≤ 2 (all of it)" });
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
    median: round((100 * (median(guarded) - median(bare))) / median(bare)),
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
      if (kind === "protected" && group.events().oomKills === 0) stopped += 1;
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

function run(script) {
  const done = spawnSync(process.execPath, ["--expose-gc", "--input-type=module", "-e", script], {
    encoding: "utf8",
    env: { PATH, HOME },
  });
  if (done.status !== 0) throw new Error(done.stderr);
  return done.stdout.trim().split("\n").at(-1);
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
