// Measures actors side by side with Erlang/OTP and with other actor libraries for JavaScript, prints a table and
// writes bench/results/actors.json. Rates and times are per processor time of the whole process (garbage collection
// included), so that they hold on a machine that does other things too; the wall time stands beside. Waits (idle to
// handled, timers, restart, threads) are wall time. Every case runs in a process of its own; the runtimes take turns, so that what
// else the machine does hits all of them.
//
//   node bench/actors/main.js [rounds]
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { sizes } from "./sizes.js";

const here = dirname(fileURLToPath(import.meta.url));
const rounds = Number(process.argv[2] ?? 3);
const runsPerRound = 4;
const beams = mkdtempSync(join(tmpdir(), "savina-"));
const micro = ["pingPong", "counting", "forkJoinCreate", "forkJoinThroughput", "threadRing", "chameneos", "big"];
const concurrency = ["dictionary", "boundedBuffer", "philosophers", "barber", "smokers", "bank"];
const peerSizes = { pingPong: 100_000, counting: 200_000, spawning: 10_000, asking: 10_000 };
const peers = {
  nact: ["pingPong", "counting", "spawning", "asking"],
  xstate: ["pingPong", "counting", "spawning"],
  effect: ["pingPong", "counting", "spawning", "asking"],
  comedy: ["counting", "spawning", "asking"],
};

const erlang = findErlang();
const rows = [];
try {
  if (erlang !== null) execFileSync("erlc", ["-o", beams, join(here, "savina.erl")]);
  else console.warn("Without Erlang (apt-get install erlang-base): its columns stay empty and its bars are not judged");
  for (const name of micro) rows.push(savinaRow(name, "M msg/s", name === "pingPong" ? 10 : 5));
  for (const name of concurrency) rows.push(savinaRow(name, "ms", null));
  rows.push(...measuredRows());
} finally {
  rmSync(beams, { recursive: true });
}
print(rows);
write(rows);
if (rows.some((row) => row.verdict === "below the bar")) process.exitCode = 2;

/** A case of Savina: ours, Erlang's, and the peers that have it. */
function savinaRow(name, unit, barMillions) {
  const runs = { ours: [], otp: [] };
  for (let round = 0; round < rounds; round += 1) {
    // The first run of a process warms it up.
    runs.ours.push(...ours(name).slice(1));
    if (erlang !== null) runs.otp.push(...otp(name, Object.values(sizes[name])).slice(1));
  }
  const inUnit = (all) => summary(all.map(({ micros, messages }) => valueOf(micros, messages, unit)));
  const inWallTime = (all) => summary(all.map(({ wallMicros, messages }) => valueOf(wallMicros, messages, unit)));
  const row = { name, unit, ours: inUnit(runs.ours), otp: inUnit(runs.otp), peers: {} };
  row.wall = { ours: inWallTime(runs.ours), otp: inWallTime(runs.otp) };
  for (const [peer, cases] of Object.entries(peers))
    if (cases.includes(name)) row.peers[peer] = inUnit(peerRuns(peer, name));
  const ratio =
    row.otp === null ? null : unit === "ms" ? row.otp.median / row.ours.median : row.ours.median / row.otp.median;
  row.timesOtp = ratio;
  row.bar = [...(barMillions === null ? [] : [`>= ${barMillions}`]), ">= 2x OTP"].join(", ");
  const fastEnough = barMillions === null || row.ours.median >= barMillions;
  row.verdict = fastEnough && (ratio === null || ratio >= 2) ? "met" : "below the bar";
  return row;
}

/** What is measured besides: spawn, memory, ask, latency, restart, threads. */
function measuredRows() {
  const made = [];
  const add = (name, unit, values, bar, { otp: other = null, peer = {} } = {}) => {
    const ours = summary(values);
    const met = bar.most === undefined ? ours.median >= bar.least : ours.median <= bar.most;
    const text = bar.most === undefined ? `>= ${bar.least}` : `<= ${bar.most}`;
    made.push({
      name,
      unit,
      ours,
      otp: other,
      peers: peer,
      timesOtp: null,
      bar: text,
      verdict: met ? "met" : "below the bar",
    });
  };
  const perActor = (runs) => summary(runs.map(({ micros, messages }) => micros / messages));
  const perMicro = (runs) => summary(runs.map(({ micros, messages }) => messages / micros));
  const collect = (name, runs = runsPerRound) => ours(name, runs);
  const peersOf = (name, measure) =>
    Object.fromEntries(
      Object.entries(peers).flatMap(([peer, cases]) =>
        cases.includes(name) ? [[peer, measure(peerRuns(peer, name))]] : [],
      ),
    );
  const beam = (name, numbers, measure) => (erlang === null ? null : measure(otp(name, numbers).slice(1)));
  const spawned = { otp: beam("spawnIdle", [300_000], perActor), peer: peersOf("spawning", perActor) };
  add("spawn, 1,000,000 alive", "µs", collect("spawnMicros", 3), { most: 1.5 }, spawned);
  add("start a supervised child, 1,000,000 alive", "µs", collect("startChildMicros", 3), { most: 3 });
  add("idle supervised actor, 1,000,000 alive", "bytes", collect("bytesPerActor", 3), { most: 400 });
  const asked = { otp: beam("call", [200_000], perMicro), peer: peersOf("asking", perMicro) };
  add("ask with timeout, 1,000 open", "M/s", collect("askMillions"), { least: 1.5 });
  add("ask with timeout, one by one", "M/s", collect("askInTurnMillions"), { least: 0.5 }, asked);
  const idle = collect("idleToHandledMicros");
  add(
    "idle to handled, p50",
    "µs",
    idle.map(({ p50 }) => p50),
    { most: 10 },
  );
  add(
    "idle to handled, p99",
    "µs",
    idle.map(({ p99 }) => p99),
    { most: 150 },
  );
  add("timer lateness at saturation, p99", "ms", collect("timerLatenessMs"), { most: 5 });
  const restart = collect("restartMicros");
  add(
    "crash to next message handled, p50",
    "µs",
    restart.map(({ p50 }) => p50),
    { most: 10 },
    { otp: beam("restart", [300], perActor) },
  );
  add(
    "crash to next message handled, p99",
    "µs",
    restart.map(({ p99 }) => p99),
    { most: 100 },
  );
  add("to a worker thread, batched", "M msg/s", collect("workerMillions"), { least: 1 });
  return made;
}

function ours(name, runs = runsPerRound) {
  const flags = ["--expose-gc", "--max-old-space-size=8192"];
  return JSON.parse(
    execFileSync(process.execPath, [...flags, join(here, "run-case.js"), name, String(runs)], { encoding: "utf8" }),
  );
}

function peerRuns(peer, name) {
  const args = [join(here, "run-peer.js"), peer, name, "3", String(peerSizes[name])];
  const text = execFileSync(process.execPath, args, { encoding: "utf8", cwd: join(here, "..") });
  return JSON.parse(text.trim().split("\n").at(-1)).slice(1);
}

/** One scheduler, as one thread of JavaScript. */
function otp(name, numbers) {
  const args = [
    "+S",
    "1:1",
    "+P",
    "4000000",
    "-noshell",
    "-pa",
    beams,
    "-run",
    "savina",
    "main",
    name,
    String(runsPerRound),
    ...numbers.map(String),
  ];
  return execFileSync("erl", args, { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => {
      const [micros, wallMicros, messages] = line.split(" ").map(Number);
      return { micros, wallMicros, messages };
    });
}

function valueOf(micros, messages, unit) {
  return unit === "ms" ? micros / 1000 : messages / micros;
}

function summary(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)], least: sorted[0], most: sorted.at(-1) };
}

function findErlang() {
  try {
    const version = 'io:format("~s", [erlang:system_info(otp_release)]), halt().';
    return execFileSync("erl", ["-noshell", "-eval", version], { encoding: "utf8" });
  } catch {
    return null;
  }
}

function print(all) {
  const show = (one) => (one === null || one === undefined ? "" : one.median.toPrecision(3));
  const columns = [
    "case",
    "unit",
    "ours",
    "spread",
    "wall",
    "OTP",
    "times OTP",
    "nact",
    "xstate",
    "effect",
    "comedy",
    "bar",
    "",
  ];
  const lines = all.map((row) => [
    row.name,
    row.unit,
    show(row.ours),
    `${row.ours.least.toPrecision(3)}..${row.ours.most.toPrecision(3)}`,
    show(row.wall?.ours),
    show(row.otp),
    row.timesOtp === null ? "" : `${row.timesOtp.toFixed(1)}x`,
    ...Object.keys(peers).map((peer) => show(row.peers[peer])),
    row.bar,
    row.verdict,
  ]);
  const widths = columns.map((title, index) => Math.max(title.length, ...lines.map((line) => line[index].length)));
  for (const line of [columns, widths.map((width) => "-".repeat(width)), ...lines])
    console.log(`| ${line.map((cell, index) => cell.padEnd(widths[index])).join(" | ")} |`);
}

function write(all) {
  const version = (name) => {
    const manifest = join(here, "..", "node_modules", name, "package.json");
    return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : null;
  };
  const result = {
    measured: new Date().toISOString(),
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem(), loadAverage: loadavg()[0] },
    versions: {
      node: process.version,
      otp: erlang,
      ...Object.fromEntries(Object.keys(peers).map((peer) => [peer, version(peer)])),
    },
    rounds,
    sizes,
    rows: all,
  };
  writeFileSync(join(here, "..", "results", "actors.json"), `${JSON.stringify(result, null, 2)}\n`);
}
