// How soon a script runs through the whole product: from the API call, or the crash, to its first line and to the moment
// its HTTP server listens; from a Node that waits and without one, side by side in one run. And what a waiting Node costs.
//   npm run build && node bench/instances/scripts.js [--rounds=40]
// Root runs it in namespaces of its own, with the runtime folder in memory as /run is. Writes bench/results/scripts.json.
import { writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { goApart } from "./product/apart.js";
import { keptAwake, withDaemon } from "./product/product-daemon.js";
import { printRows, Rows } from "./product/rows.js";
import { bunInstances, endOfNode, memoryOfWaiting, startsOf } from "./product/scripts.js";

const rounds = Number(/--rounds=(\d+)/.exec(process.argv.join(" "))?.[1] ?? 40);
goApart();

const rows = new Rows();
const load = { before: loadavg()[0] };
await withDaemon({}, async (daemon) => {
  await startsOf(daemon, rows, rounds);
  await endOfNode(rows, rounds);
  await memoryOfWaiting(daemon, rows);
  await rows.measure("runtime: bun", () => bunInstances(daemon, rows, Math.min(rounds, 10)));
});
if (process.getuid() !== 0) rows.missing(`API call -> first line of a script${keptAwake.as}`, "needs root");
else
  await withDaemon(keptAwake.environment, (daemon) =>
    rows.measure(`API call -> first line of a script${keptAwake.as}`, () => {
      keptAwake.check();
      return startsOf(daemon, rows, rounds, { kinds: ["warm"], as: keptAwake.as });
    }),
  );
load.after = loadavg()[0];
printRows(rows.list);
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem(), kernel: release() };
console.log(
  `load of the machine: ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} after, on ${machine.cores} cores`,
);
writeFileSync(
  fileURLToPath(new URL("../results/scripts.json", import.meta.url)),
  `${JSON.stringify({ date: new Date().toISOString(), node: process.versions.node, machine, load, rows: rows.list }, null, 2)}\n`,
);
