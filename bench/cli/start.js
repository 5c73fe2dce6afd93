// How long a command takes, from its start to its end, beside a bare Node and beside what lists processes elsewhere.
// The daemon runs ten instances. Only runs that ended with code 0 count; contenders take turns, so that noise hits all.
// usage: node bench/cli/start.js [rounds, default 15]
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const rounds = Number(process.argv[2] ?? 15);
const here = dirname(fileURLToPath(import.meta.url));
const program = resolve(here, "../../packages/cli/dist/constellation.js");
const home = mkdtempSync(join(tmpdir(), "cst-bench-"));
const { NODE_EXTRA_CA_CERTS: _, ...environment } = { ...process.env, CONSTELLATION_HOME: home };

const contenders = [
  ["node -e 0", process.execPath, ["-e", "0"]],
  ["constellation --version", process.execPath, [program, "--version"]],
  ["constellation ps", process.execPath, [program, "ps"]],
  ["constellation ps --json", process.execPath, [program, "ps", "--json"]],
  ["podman ps", "podman", ["ps"]],
].filter(([, command]) => spawnSync(command, ["--version"], { env: environment }).status === 0);

function run(command, argv) {
  const start = performance.now();
  const { status, stderr } = spawnSync(command, argv, { env: environment, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${argv.join(" ")} ended with ${status}: ${stderr}`);
  return performance.now() - start;
}

const quantile = (sorted, share) => sorted[Math.floor((sorted.length - 1) * share)];

try {
  run(process.execPath, [program, "create", "--name=web", "--instances=10", "--", "sleep", "1000000"]);
  const times = new Map(contenders.map(([name]) => [name, []]));
  for (let round = -1; round < rounds; round += 1)
    for (const [name, command, argv] of contenders) {
      const ms = run(command, argv);
      if (round >= 0) times.get(name).push(ms);
    }
  const rows = [...times].map(([name, list]) => {
    const sorted = list.toSorted((a, b) => a - b);
    const [bestMs, medianMs, p90Ms] = [0, 0.5, 0.9].map((share) => Number(quantile(sorted, share).toFixed(1)));
    return { name, runs: list.length, bestMs, medianMs, p90Ms };
  });
  console.table(rows);
  const machine = { cpu: cpus()[0].model, cpus: cpus().length, node: process.version, date: new Date().toISOString() };
  mkdirSync(join(here, "../results"), { recursive: true });
  writeFileSync(join(here, "../results/cli.json"), `${JSON.stringify({ machine, rows }, null, 2)}\n`);
} finally {
  run(process.execPath, [program, "rm", "--all"]);
  run(process.execPath, [program, "daemon", "stop", "--instances"]);
  rmSync(home, { recursive: true, force: true });
}
