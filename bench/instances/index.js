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
// Peers that this machine does not have are no failure; what is ours must have been measured.
for (const [name, why] of Object.entries(results.launch?.failures ?? {}))
  if (name.startsWith("ours")) failed.push(`launch, ${name}: ${why}`);
for (const { name, note, verdict } of results.product?.rows ?? [])
  if (verdict === "not measured" && !name.startsWith("PM2")) failed.push(`product, ${name}: ${note}`);

const rows = [...launchRows(results.launch), ...(results.product?.rows ?? [])];
console.log("\nThe bars of the specification");
printRows(rows);
for (const text of failed) console.log(`failed: ${text}`);
writeFileSync(
  new URL("../results/instances.json", import.meta.url),
  `${JSON.stringify({ date: new Date().toISOString(), machine: results.product?.machine, load: results.product?.load, rows, failed, parts: results }, null, 2)}\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

/**
 * Times of launches in the form of the product's rows. Two bars: what is isolated and limited takes at most 3 ms and three
 * bare spawns; from a warm slot it takes at most one.
 */
function launchRows(launch) {
  if (launch === undefined) return [];
  const bare = launch.table.find(({ name }) => name === "bare spawn").first.median;
  return launch.table.map(({ name, first, timesBare }) => {
    const isBar = name.startsWith("ours, full");
    const isSlot = name.startsWith("ours, warm slot");
    const bar = isSlot ? bare : isBar ? Math.min(3, 3 * bare) : null;
    const verdict = bar === null ? "-" : first.median <= bar ? "holds" : "MISSES";
    const note = `${timesBare} x bare spawn`;
    return {
      name: `first instruction: ${name}`,
      unit: "ms",
      bar: bar === null ? null : Math.round(bar * 100) / 100,
      median: first.median,
      p99: first.p95,
      min: first.min,
      count: first.runs,
      verdict,
      note,
    };
  });
}
