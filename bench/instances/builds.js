// Two builds of the product side by side: a start of each in turns. A machine that others share is a third slower in one hour
// than in another, so what a change gains shows in the ratios of neighbours only.
//   npm run build (in both); node bench/instances/builds.js <clone of the older build> [--rounds=60]
// Root runs it in namespaces of its own, as the other measurements. Writes bench/results/builds.json.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { median, quantile } from "../pool/figures.js";
import { goApart } from "./product/apart.js";
import { ProductDaemon, runs, sleep } from "./product/product-daemon.js";
import { restMs, timedStart, uploadScripts } from "./product/scripts.js";

const rounds = Number(/--rounds=(\d+)/.exec(process.argv.join(" "))?.[1] ?? 60);
const warmRounds = 3;
const folder = process.argv.slice(2).find((word) => !word.startsWith("--"));
if (folder === undefined) {
  console.error("usage: node bench/instances/builds.js <clone of the older build> [--rounds=60]");
  process.exit(2);
}
goApart();

const here = fileURLToPath(new URL("../..", import.meta.url));
const older = await import(pathToFileURL(join(resolve(folder), "bench/instances/product/product-daemon.js")).href);
const builds = [
  { name: "older", commit: commitOf(folder), daemon: new older.ProductDaemon() },
  { name: "newer", commit: commitOf(here), daemon: new ProductDaemon() },
];
const kinds = {
  "API call -> running": async ({ daemon }, round) => {
    const app = { name: `command-${round}`, command: ["/bin/sleep", "1000"] };
    const { tookMs } = await daemon.until(runs(app.name), 1, () => daemon.apply(app));
    await daemon.remove(app.name);
    await sleep(restMs / 3);
    return tookMs;
  },
  "API call -> first line of a script": (build, round) => script(build, round, "line", "first"),
  "API call -> HTTP listening": (build, round) => script(build, round, "http", "listening", { port: 20_000 + round }),
};
const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, { older: [], newer: [] }]));
const loadBefore = loadavg()[0];
try {
  for (const build of builds) {
    await build.daemon.start();
    build.artifacts = await uploadScripts(build.daemon);
  }
  for (let round = 0; round < warmRounds + rounds; round += 1)
    for (const [kind, start] of Object.entries(kinds))
      for (const build of round % 2 === 0 ? builds : builds.toReversed()) {
        const ms = await start(build, round);
        if (round >= warmRounds) times[kind][build.name].push(ms);
      }
} finally {
  for (const { daemon } of builds) await daemon.close();
}

const rows = Object.entries(times).map(([kind, { older, newer }]) => {
  const ratios = newer.map((ms, at) => ms / older[at]);
  return { kind, olderMs: median(older), newerMs: median(newer), ratio: median(ratios), interval: interval(ratios) };
});
console.log(`${"".padEnd(36)}  older ms  newer ms  ratio of neighbours (90 %), ${rounds} rounds`);
for (const { kind, olderMs, newerMs, ratio, interval } of rows)
  console.log(
    `${kind.padEnd(36)}  ${olderMs.toFixed(2).padStart(8)}  ${newerMs.toFixed(2).padStart(8)}  ${ratio.toFixed(3)} (${interval.map((end) => end.toFixed(3)).join(" to ")})`,
  );
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, kernel: release() };
const commits = Object.fromEntries(builds.map(({ name, commit }) => [name, commit]));
const load = { before: loadBefore, after: loadavg()[0] };
writeFileSync(
  new URL("../results/builds.json", import.meta.url),
  `${JSON.stringify({ date: new Date().toISOString(), node: process.versions.node, machine, load, rounds, commits, rows }, null, 2)}\n`,
);

async function script({ daemon, artifacts }, round, kind, file, more = {}) {
  const app = { name: `${kind}-${round}`, script: `./${kind}.mjs`, artifact: artifacts[kind], folder: daemon.folder };
  const ms = await timedStart(daemon, { ...app, ...more }, file);
  await daemon.remove(app.name);
  await sleep(restMs);
  return ms;
}

function commitOf(clone) {
  return execFileSync("git", ["describe", "--always", "--dirty"], { cwd: clone, encoding: "utf8" }).trim();
}

/** Where nine of ten medians lie when the pairs are drawn anew. */
function interval(values) {
  const draw = () => values[Math.floor(Math.random() * values.length)];
  const medians = Array.from({ length: 1000 }, () => median(values.map(draw)));
  return [quantile(medians, 0.05), quantile(medians, 0.95)];
}
