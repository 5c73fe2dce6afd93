// Scripts that write down when their first line ran and when they listened, and the starts that are timed by it.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "../../../packages/sdk/dist/bundle/bundle.js";
import { runs, sleep } from "./product-daemon.js";

/** Long enough for the next Node to wait again: what is measured is a start from rest. */
export const restMs = 900;
const patienceMs = 10_000;

/** Times are of the machine's monotonic clock, which every process shares. */
const firstLine = "const at = process.hrtime.bigint();";
const write = (name, value) =>
  `writeFileSync("/data/${name}.new", String(${value})); renameSync("/data/${name}.new", "/data/${name}");`;
const scripts = {
  line: `${firstLine} import { renameSync, writeFileSync } from "node:fs"; ${write("first", "at")} setInterval(() => {}, 1e6);`,
  http: `${firstLine} import { renameSync, writeFileSync } from "node:fs"; import { createServer } from "node:http";
    createServer((request, response) => response.end("ok")).listen(process.env.PORT, () => { const listening = process.hrtime.bigint(); ${write("first", "at")} ${write("listening", "listening")} });`,
};

/** @param more which ways to start, and what stands behind the names of the rows */
export async function startsOf(daemon, rows, rounds, { kinds = ["warm", "cold"], as: behind = "" } = {}) {
  const artifacts = await uploadScripts(daemon);
  const times = { warm: newTimes(), cold: newTimes() };
  const ways = { warm: new Map(), cold: new Map() };
  for (let round = -2; round < rounds; round += 1) {
    for (const way of kinds) {
      const found = await oneRound(daemon, artifacts, { way, round });
      if (round < 0) continue;
      for (const [what, ms] of Object.entries(found.times)) times[way][what].push(ms);
      for (const start of found.starts) ways[way].set(start, (ways[way].get(start) ?? 0) + 1);
    }
  }
  const bars = { warm: { line: 5, http: 8, again: null }, cold: { line: null, http: null, again: null } };
  for (const way of kinds) {
    const note = [...ways[way]].map(([start, count]) => `${count} ${start}`).join(", ");
    const as = `${way === "warm" ? "" : ", warm: false"}${behind}`;
    rows.add(`API call -> first line of a script${as}`, "ms", times[way].line, bars[way].line, note);
    rows.add(`API call -> HTTP listening on the app's port${as}`, "ms", times[way].http, bars[way].http);
    rows.add(`crash -> first line again${as}`, "ms", times[way].again, bars[way].again);
  }
}

/** Artifacts of the scripts that are timed, by their names. */
export async function uploadScripts(daemon) {
  const artifacts = {};
  for (const [name, text] of Object.entries(scripts))
    artifacts[name] = await upload(daemon, await bundled(daemon, text));
  return artifacts;
}

/** Starts a new app of a timed script; resolves to the milliseconds until it had come as far as its file says. */
export const timedStart = (daemon, app, file) =>
  timed(daemon, app.name, file, (clock) => daemon.until(runs(app.name), 1, () => (clock.begin(), daemon.apply(app))));

const newTimes = () => ({ line: [], http: [], again: [] });

async function oneRound(daemon, artifacts, { way, round }) {
  const starts = [];
  const more = way === "warm" ? {} : { warm: false };
  const app = (name, kind, port = {}) => ({
    name: `${name}-${way}-${round + 2}`,
    script: `./${kind}.mjs`,
    artifact: artifacts[kind],
    folder: daemon.folder,
    ...port,
    ...more,
  });
  const line = app("line", "line");
  const http = app("http", "http", { port: 20_000 + round });
  const times = {};
  times.line = await timedStart(daemon, line, "first");
  starts.push(await startOf(daemon, line.name));
  await sleep(restMs);
  times.again = await timed(daemon, line.name, "first", async (clock) => {
    const [pid] = await daemon.pids(line.name);
    rmSync(join(data(daemon, line.name), "first"));
    await daemon.until(runs(line.name), 1, () => (clock.begin(), process.kill(pid, "SIGKILL")));
  });
  starts.push(await startOf(daemon, line.name));
  await daemon.remove(line.name);
  await sleep(restMs);
  times.http = await timedStart(daemon, http, "listening");
  starts.push(await startOf(daemon, http.name));
  await daemon.remove(http.name);
  await sleep(restMs);
  return { times, starts };
}

/** Milliseconds from `clock.begin()` to what the script wrote down. */
async function timed(daemon, app, file, act) {
  const clock = { begun: 0n, begin: () => (clock.begun = process.hrtime.bigint()) };
  await act(clock);
  return Number(BigInt(await written(daemon, app, file)) - clock.begun) / 1e6;
}

async function written(daemon, app, file) {
  const path = join(data(daemon, app), file);
  for (let waited = 0; !existsSync(path); waited += 2) {
    if (waited > patienceMs) throw new Error(`${app} did not write ${file}`);
    await sleep(2);
  }
  return readFileSync(path, "utf8");
}

const data = (daemon, app) => join(daemon.home, "data", `${app}.1`);

async function startOf(daemon, app) {
  const { start } = await daemon.call("GET", `/v1/instances/${app}.1`);
  return start;
}

/** As `up` does it. */
async function bundled(daemon, text, as = "program") {
  const entry = join(daemon.folder, "entry.js");
  writeFileSync(entry, text);
  const { bytes } = await bundle({ entry, folder: daemon.folder, as });
  return Buffer.from(bytes);
}

async function upload(daemon, bytes) {
  const artifact = createHash("sha256").update(bytes).digest("hex");
  await daemon.call("PUT", `/v1/artifacts/${artifact}`, bytes);
  return artifact;
}

/** What passes after a SIGKILL before anybody can know that a Node is gone: the kernel takes its memory and its threads back first. */
export async function endOfNode(rows, rounds) {
  const times = [];
  for (let round = 0; round < rounds; round += 1) {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore", env: {} });
    await sleep(300);
    const exited = once(child, "exit");
    const begunMs = performance.now();
    child.kill("SIGKILL");
    await exited;
    times.push(performance.now() - begunMs);
  }
  rows.add("kill -9 of a bare Node -> its parent hears of it", "ms", times);
}

/** What each waiting Node is charged with, and its share of memory that it shares with others. */
export async function memoryOfWaiting(daemon, rows) {
  await sleep(2 * restMs);
  const charged = [];
  const shares = [];
  for (const id of readdirSync(join(daemon.home, "run", "spares"))) {
    const pid = mainPid(join(daemon.home, "run", "spares", id));
    if (pid === undefined || !readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("warm.cjs")) continue;
    charged.push(chargedBytes(pid) / 1e6);
    shares.push(Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]) / 1000);
  }
  rows.add("memory charged to a waiting Node, its init and its namespaces", "MB", charged);
  rows.add("memory of a waiting Node, PSS", "MB", shares);
}

const mainPid = (folder) =>
  /^main (\d+)/m.exec(existsSync(join(folder, "pid")) ? readFileSync(join(folder, "pid"), "utf8") : "")?.[1];

/** cgroup v1: the memory controller; v2: the one group. */
function chargedBytes(pid) {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
  const [, v1] = /^\d+:memory:(.*)$/m.exec(lines.join("\n")) ?? [];
  if (v1 !== undefined) return Number(readFileSync(`/sys/fs/cgroup/memory${v1}/memory.usage_in_bytes`, "utf8"));
  const [, v2] = /^0::(.*)$/m.exec(lines.join("\n")) ?? [];
  return Number(readFileSync(`/sys/fs/cgroup${v2}/memory.current`, "utf8"));
}

/** Servers on Node and on Bun: how soon they run, and the memory that an idle one is charged with. */
export async function bunInstances(daemon, rows, rounds) {
  const packages = join(import.meta.dirname, "../../node_modules");
  if (!existsSync(join(packages, "bun")))
    return rows.missing("runtime: bun", "bun is not installed in bench/node_modules");
  // Bun lists the folders on its way: the app's must not be the one that holds the daemon's home.
  const folder = join(daemon.folder, "app");
  mkdirSync(folder, { mode: 0o755 });
  symlinkSync(packages, join(folder, "node_modules"));
  const program = await upload(daemon, await bundled(daemon, servers.http));
  const http = await upload(daemon, await bundled(daemon, servers.http, "module"));
  const serve = await upload(daemon, await bundled(daemon, servers.serve, "module"));
  const kinds = {
    "node, node:http, cold": { artifact: program, warm: false },
    "node, node:http": { artifact: program },
    "bun, node:http": { artifact: http, runtime: "bun" },
    "bun, Bun.serve": { artifact: serve, runtime: "bun" },
  };
  const found = Object.fromEntries(
    Object.keys(kinds).map((kind) => [kind, { first: [], listening: [], mb: [], start: [] }]),
  );
  for (let round = -1; round < rounds; round += 1) {
    for (const [at, [kind, given]] of Object.entries(kinds).entries()) {
      const one = await oneServer(daemon, {
        name: `server-${at}-${round + 1}`,
        script: "./http.mjs",
        folder,
        ...given,
        port: 21_000 + 10 * round + at,
      });
      if (round >= 0) for (const [what, value] of Object.entries(one)) found[kind][what].push(value);
    }
  }
  for (const [kind, { first, listening, mb, start }] of Object.entries(found)) {
    rows.add(`runtime: ${kind}, API call -> first line`, "ms", first, null, start.join(", "));
    rows.add(`runtime: ${kind}, API call -> listening`, "ms", listening);
    rows.add(`runtime: ${kind}, memory charged to an idle server`, "MB", mb);
  }
}

/** By the wall clock, in whole ms: the others of Node and Bun begin at different times, and drift. */
const wall = () => Date.now();
const now = "Date.now()";
const servers = {
  http: `const at = ${now}; import { renameSync, writeFileSync } from "node:fs"; import { createServer } from "node:http";
    createServer((request, response) => response.end("ok")).listen(process.env.PORT, () => { const listening = ${now}; ${write("wall", 'at + " " + listening')} });`,
  serve: `const at = ${now}; import { renameSync, writeFileSync } from "node:fs";
    Bun.serve({ port: process.env.PORT, fetch: () => new Response("ok") }); const listening = ${now}; ${write("wall", 'at + " " + listening')}`,
};

async function oneServer(daemon, app) {
  let begun = 0;
  await daemon.until(runs(app.name), 1, () => ((begun = wall()), daemon.apply(app)));
  const [first, listening] = (await written(daemon, app.name, "wall")).split(" ");
  await sleep(restMs);
  const [pid] = await daemon.pids(app.name);
  const mb = chargedBytes(pid) / 1e6;
  const start = await startOf(daemon, app.name);
  await daemon.remove(app.name);
  await sleep(restMs);
  return { first: first - begun, listening: listening - begun, mb, start };
}
