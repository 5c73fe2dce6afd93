// Everything about instances in one go: launches beside bubblewrap, runc and podman, public ports, and the whole product with PM2.
//   npm run bench:instances [-- --quick] [-- --restarts=10000]
// Writes bench/results/instances.json from what the three have written.
import { spawnSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { printRows } from "./product/rows.js";

const quick = process.argv.includes("--quick");
const parts = [
  { name: "launch", script: "launch.js", args: quick ? ["10"] : [] },
  { name: "ports", script: "ports.js", args: [] },
  { name: "product", script: "product.js", args: process.argv.slice(2) },
];
const begunAt = Date.now();
// What starts a process must not read certificates first: that takes longer than the process.
const { NODE_EXTRA_CA_CERTS: _, ...environment } = process.env;
const results = {};
const failed = [];
for (const { name, script, args } of parts) {
  console.log(`\n${name}`);
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { status } = spawnSync(process.execPath, [path, ...args], { stdio: "inherit", env: environment });
  const output = new URL(`../results/${name}.json`, import.meta.url);
  // An older result must not stand in for one that failed.
  if (status === 0 && statSync(output).mtimeMs >= begunAt) results[name] = JSON.parse(readFileSync(output, "utf8"));
  else failed.push(`${name} ended with ${String(status)}`);
}

const rows = [...launchRows(results.launch), ...(results.product?.rows ?? [])];
console.log("\nThe bars of the specification");
printRows(rows);
for (const text of failed) console.log(`failed: ${text}`);
writeFileSync(
  new URL("../results/instances.json", import.meta.url),
  `${JSON.stringify({ date: new Date().toISOString(), machine: results.product?.machine, load: results.product?.load, rows, failed, parts: results }, null, 2)}\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

/** Times of launches in the form of the product's rows; the bar of three bare spawns is on the isolated and limited one. */
function launchRows(launch) {
  if (launch === undefined) return [];
  return launch.table.map(({ name, first, timesBare }) => {
    const isBar = name.startsWith("ours, full");
    const verdict = !isBar ? "-" : timesBare <= 3 || first.median <= 3 ? "holds" : "MISSES";
    const note = `${timesBare} x bare spawn`;
    return {
      name: `first instruction: ${name}`,
      unit: "ms",
      bar: isBar ? 3 : null,
      median: first.median,
      p99: first.p95,
      min: first.min,
      count: first.runs,
      verdict,
      note,
    };
  });
}
