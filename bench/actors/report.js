// The table on the terminal, and the same in bench/results/actors.json.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { barText, judge, rows } from "./rows.js";
import { erlang, peers } from "./runtimes.js";
import { sizes } from "./sizes.js";

const bench = join(dirname(fileURLToPath(import.meta.url)), "..");
const file = join(bench, "results", "actors.json");

/** One measured row with its medians, spreads and verdict. */
export function report(row, measured) {
  const mine = summary(measured.ours);
  const theirs = summary(measured.otp);
  const { timesOtp, verdict } = judge(row, mine.median, theirs?.median ?? null);
  return {
    name: row.name,
    unit: row.unit,
    ours: mine,
    otp: theirs,
    peers: Object.fromEntries(Object.entries(measured.peers).map(([peer, values]) => [peer, summary(values)])),
    ...(measured.wall === undefined ? {} : { wall: summary(measured.wall) }),
    timesOtp,
    bar: barText(row.bar),
    verdict,
    measured: new Date().toISOString(),
    loadAverage: loadavg()[0],
  };
}

/** Writes these rows, and keeps those of earlier runs that were not measured now. */
export function write(made, rounds) {
  const before = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).rows : [];
  const rowOf = ({ name }) => made.find((row) => row.name === name) ?? before.find((row) => row.name === name);
  const all = rows.map(rowOf).filter((row) => row !== undefined);
  const versions = Object.fromEntries(Object.keys(peers).map((peer) => [peer, versionOf(peer)]));
  const result = {
    measured: new Date().toISOString(),
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem() },
    versions: { node: process.version, otp: erlang, ...versions },
    rounds,
    sizes,
    rows: all,
  };
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  return all;
}

export function print(all) {
  const show = (one) => (one === null || one === undefined ? "" : one.median.toPrecision(3));
  const columns = ["case", "unit", "ours", "spread", "wall", "OTP", "times OTP", ...Object.keys(peers), "bar", ""];
  const lines = all.map((row) => [
    row.name,
    row.unit,
    show(row.ours),
    `${row.ours.least.toPrecision(3)}..${row.ours.most.toPrecision(3)}`,
    show(row.wall),
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

function summary(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)], least: sorted[0], most: sorted.at(-1) };
}

function versionOf(peer) {
  const manifest = join(bench, "node_modules", peer, "package.json");
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : null;
}
