// How large the daemon is while instances end and start again, thousands of times: flat is the goal.
//   npm run build && node bench/daemon/restarts.js [restarts] [instances]
// Root runs it in namespaces of its own, with the runtime folder in memory as /run is. Writes bench/results/daemon-restarts.json.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { goApart } from "../instances/product/apart.js";
import { ProductDaemon, runs, sleep } from "../instances/product/product-daemon.js";

const wanted = Number(process.argv[2] ?? 10_000);
const instances = Number(process.argv[3] ?? 16);
goApart();

/** V8 gives memory back some seconds after the last work. */
const restMs = 12_000;
const looks = 20;

const loadBefore = loadavg()[0];
const daemon = new ProductDaemon();
const result = {};
try {
  await daemon.start();
  result.started = look(0);
  // One round of a hundred first: what is compiled and kept once is no growth.
  await daemon.until(runs("many"), 100, () =>
    daemon.apply({ name: "many", command: ["/bin/sleep", "1000"], instances: 100 }),
  );
  result.hundred = look(0);
  await sleep(restMs);
  result.hundredAtRest = look(0);
  await daemon.remove("many");
  const series = await restart();
  result.series = series;
  await sleep(restMs);
  result.afterwards = look(wanted);
} finally {
  await daemon.close();
}

const { series } = result;
const early = series[Math.floor(series.length / 4)];
const grownMb = series.at(-1).residentMb - early.residentMb;
const perSecond = (series.at(-1).restarts / series.at(-1).seconds).toFixed(0);
console.table([result.started, result.hundred, result.hundredAtRest, ...series, result.afterwards]);
console.log(
  `${wanted} restarts, ${perSecond} a second; ${grownMb.toFixed(1)} MB more than after ${early.restarts}; load ${loadBefore.toFixed(1)} before`,
);
writeFileSync(
  new URL("../results/daemon-restarts.json", import.meta.url),
  `${JSON.stringify({ date: new Date().toISOString(), node: process.versions.node, kernel: release(), cpu: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem(), load: { before: loadBefore, after: loadavg()[0] }, restarts: wanted, instances, grownMb, ...result }, null, 2)}\n`,
);

/** Programs that end at once are started again and again; resolves to a look at each twentieth of the way. */
async function restart() {
  const found = [];
  const step = Math.max(1, Math.floor(wanted / looks));
  const begun = performance.now();
  let seen = 0;
  let enough;
  const all = new Promise((resolve) => (enough = resolve));
  const end = await daemon.stream("/v1/events?follow=true&tail=0", (event) => {
    if (event.type !== "instance.ended" || event.app !== "again" || found.length === looks) return;
    seen += 1;
    if (seen % step !== 0) return;
    found.push({ ...look(seen), seconds: (performance.now() - begun) / 1000 });
    if (found.length === looks) enough();
  });
  const restarts = { policy: "always", backoff: { initial: "1ms", max: "1ms" }, intensity: 100_000, period: "1s" };
  await daemon.apply({ name: "again", command: ["/bin/true"], instances, restart: restarts });
  const late = setTimeout(() => enough(), 60_000 + wanted * 100);
  await all;
  clearTimeout(late);
  end();
  await daemon.remove("again");
  if (found.length < looks) throw new Error(`${seen} of ${wanted} restarts in time`);
  return found;
}

function look(restarts) {
  const files = readdirSync(`/proc/${daemon.pid}/fd`).length;
  const anonymous = Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8"))[1]) / 1000;
  return {
    restarts,
    residentMb: daemon.residentBytes() / 1e6,
    anonymousMb: anonymous * 1.024,
    openFiles: files,
    cpuMs: daemon.cpuMs(),
  };
}
