// Hand-overs of two builds, in turns within one run: the speed of the machine changes by the hour, the ratio does not.
// Usage: node bench/pool/handover-ab.js [seconds] [process|thread] [typescript|bare] <path of a build> <path of another>
import { fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { median, quantile } from "./figures.js";

delete process.env.NODE_EXTRA_CA_CERTS;
const [seconds = "60", placement = "process", holds = "typescript", ...paths] = process.argv.slice(2);
const preload = holds === "typescript" ? [createRequire(import.meta.url).resolve("typescript")] : [];
const host = fileURLToPath(new URL("handover-host.js", import.meta.url));
const builds = [];
for (const path of paths) {
  const child = fork(host, [path, placement, ...preload]);
  await once(child, "message");
  builds.push({ path, child, single: [], refilling: [], burst: [] });
}
const untilMs = performance.now() + Number(seconds) * 1000;
for (let round = 0; performance.now() < untilMs; round += 1) {
  // Who is first takes turns too.
  for (const build of round % 2 === 0 ? builds : builds.toReversed()) {
    const { singleMs, refillingMs } = await ask(build, "pair");
    build.single.push(singleMs);
    build.refilling.push(refillingMs);
  }
  if (round % 3 === 2)
    for (const build of round % 2 === 0 ? builds : builds.toReversed()) build.burst.push(await ask(build, "burst"));
}
for (const { child } of builds) {
  child.send("close");
  await once(child, "exit");
}

const [base, other] = builds;
console.table(
  ["single", "refilling", "burst"].flatMap((kind) => [
    ...builds.map((build) => row(kind, build.path, build[kind])),
    ...(other === undefined ? [] : [{ kind, build: "ratio of pairs", p50: ratio(base[kind], other[kind]) }]),
  ]),
);

async function ask({ child }, command) {
  await sleep(100);
  child.send(command);
  const [value] = await once(child, "message");
  return value;
}

function row(kind, build, values) {
  const of = (share) => Number(quantile(values, share).toFixed(2));
  return { kind, build, p50: of(0.5), p90: of(0.9), p99: of(0.99), worst: of(1), count: values.length };
}

/** Median of the ratios of neighbours: below 1 the second build is faster. */
function ratio(before, after) {
  return Number(median(after.map((value, at) => value / before[at])).toFixed(3));
}
