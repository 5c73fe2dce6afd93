// The whole product, measured from outside over its API and its command line, beside the bars of its specification.
//   npm run build && node bench/instances/product.js [--quick] [--restarts=10000]
// Root runs it in namespaces of its own, with the runtime folder in memory as /run is. Writes bench/results/product.json.
import { writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { goApart } from "./product/apart.js";
import { besideWorkload, monitoring, restarts } from "./product/cost.js";
import { cpuQuota, networkLimit } from "./product/limits.js";
import { Pm2 } from "./product/pm2.js";
import { keptAwake, withDaemon } from "./product/product-daemon.js";
import { printRows, Rows } from "./product/rows.js";
import { adoption, coldScript, hundredStarts, oneStart, outOfMemory, ps } from "./product/speed.js";

const quick = process.argv.includes("--quick");
const wantedRestarts = Number(/--restarts=(\d+)/.exec(process.argv.join(" "))?.[1] ?? (quick ? 200 : 2000));
const root = process.getuid() === 0;
goApart();

const rows = new Rows();
const loadBefore = loadavg()[0];
const rounds = quick ? 5 : 60;
await withDaemon({}, async (daemon) => {
  await rows.measure("API call -> running", () => oneStart(daemon, rows, rounds));
  await rows.measure("cold Node script", () => coldScript(daemon, rows, quick ? 3 : 20));
  await rows.measure("OOM -> reported", () => outOfMemory(daemon, rows, quick ? 2 : 10));
  await rows.measure("CPU quota", () => cpuQuota(daemon, rows, quick ? 3 : 10));
  await rows.measure("100 instances by one call", () => hundredStarts(daemon, rows, quick ? 2 : 10));
  await rows.measure("memory beside the workload", () => besideWorkload(daemon, rows));
  await rows.measure("constellation ps", () => ps(daemon, rows, quick ? 4 : 20));
  await rows.measure("monitoring", () => monitoring(daemon, rows, quick ? 3 : 10));
  await rows.measure("adoption", () => adoption(daemon, rows, quick ? 1 : 5));
  await daemon.remove("many");
  await rows.measure("daemon RSS over restarts", () => restarts(daemon, rows, wantedRestarts));
});
const peerRounds = quick ? 3 : 20;
let peer = null;
await rows.measure("PM2", async () => {
  peer = await Pm2.open();
  await peer.starts(rows, peerRounds);
  peer.list(rows, Math.min(5, peerRounds));
});
if (!root) rows.missing(`API call -> running${keptAwake.as}`, "needs root");
else
  await withDaemon(keptAwake.environment, async (daemon) => {
    await rows.measure(`API call -> running${keptAwake.as}`, () => {
      keptAwake.check();
      return oneStart(daemon, rows, rounds, keptAwake.as);
    });
    await rows.measure(`PM2${keptAwake.as}`, () => {
      keptAwake.check();
      return peer?.starts(rows, peerRounds, keptAwake.as);
    });
  });
await peer?.close();
// Last: with a way out every instance would have a network of its own.
if (!root) rows.missing("network limit", "needs root");
else
  await withDaemon({ CONSTELLATION_NETWORK: "prepare" }, (daemon) =>
    rows.measure("network limit", () => networkLimit(daemon, rows, quick ? 3 : 8)),
  );

printRows(rows.list);
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem(), kernel: release() };
const load = { before: loadBefore, after: loadavg()[0] };
console.log(
  `load of the machine: ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} after, on ${machine.cores} cores`,
);
writeFileSync(
  fileURLToPath(new URL("../results/product.json", import.meta.url)),
  `${JSON.stringify({ date: new Date().toISOString(), node: process.versions.node, machine, load, rows: rows.list }, null, 2)}\n`,
);

// PM2's client keeps its descriptors, and with them the process, after it was disconnected.
process.exit();
