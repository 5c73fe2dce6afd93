// The daemon from outside: how fast it starts, runs what it is asked for, restarts what crashed, adopts what another daemon left.
//   npm run build && node bench/daemon/daemon.js [rounds]
// Writes bench/results/daemon.json. Compared with `node -e 0` in the same loop, because that is the floor of any program in Node.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { arch, cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const rounds = Number(process.argv[2] ?? 5);
const program =
  process.env.CONSTELLATION_DAEMON ?? fileURLToPath(new URL("../../packages/daemon/dist/main.js", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "cst-bench-"));
const socketPath = join(home, "run", "daemon.sock");
const agent = new Agent({ keepAlive: true });
const { NODE_EXTRA_CA_CERTS: _, ...environment } = process.env;
const results = {};
let daemon = null;

try {
  for (let round = 0; round < rounds; round += 1) {
    add(
      "node -e 0, ms",
      await timed(() => ended(spawn(process.execPath, ["-e", "0"], { stdio: "ignore", env: environment }))),
    );
    add("daemon start to socket, ms", await startDaemon());
    await stop();
  }
  await startDaemon();
  await apply("warm", 1);
  for (let round = 0; round < rounds * 4; round += 1) {
    add("API call to running, 1 instance, ms", await apply(`one-${round}`, 1));
    const { pid } = await running(`one-${round}`, 1);
    add("crash to running again, ms", await crash(`one-${round}`, pid));
    await call("DELETE", `/v1/apps/one-${round}`);
  }
  for (let round = 0; round < rounds; round += 1) {
    add("API call to running, 100 instances, ms", await apply("many", 100));
    add("daemon RSS with 100 instances, MB", residentMegabytes(daemon.pid));
    daemon.kill("SIGKILL");
    await ended(daemon);
    const begun = performance.now();
    await startDaemon();
    await running("many", 100);
    add("kill -9 to 100 adopted, ms", performance.now() - begun);
    await call("DELETE", "/v1/apps/many");
  }
  await call("POST", "/v1/daemon/stop", { instances: true });
  await ended(daemon);
} finally {
  daemon?.kill("SIGKILL");
  rmSync(home, { recursive: true, force: true });
}

const table = Object.fromEntries(Object.entries(results).map(([name, values]) => [name, summary(values)]));
console.table(table);
mkdirSync(new URL("../results/", import.meta.url), { recursive: true });
writeFileSync(
  new URL("../results/daemon.json", import.meta.url),
  `${JSON.stringify({ date: new Date().toISOString(), node: process.versions.node, kernel: release(), arch: arch(), cpu: cpus()[0]?.model, cores: cpus().length, results: table }, null, 2)}\n`,
);

function add(name, value) {
  (results[name] ??= []).push(value);
}

function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part) => Number(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))].toFixed(2));
  return { min: at(0), median: at(0.5), p95: at(0.95), count: sorted.length };
}

async function startDaemon() {
  const begun = performance.now();
  daemon = spawn(process.execPath, [program], { stdio: "ignore", env: { ...environment, CONSTELLATION_HOME: home } });
  while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, 1));
  return performance.now() - begun;
}

async function stop() {
  daemon.kill("SIGTERM");
  await ended(daemon);
}

function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return null;
  return new Promise((resolve) => child.once("exit", resolve));
}

async function timed(run) {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}

function answers() {
  return new Promise((resolve) => {
    const socket = connect(socketPath, () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Applies an app and waits for the event of its last instance running; counts only what has come up. */
async function apply(name, instances) {
  const events = await follow();
  const begun = performance.now();
  const up = events.until(
    (event) => event.type === "instance.changed" && event.app === name && event.state.status === "running",
    instances,
  );
  await call("POST", "/v1/apply", {
    apps: [{ name, command: ["/bin/sleep", "1000"], instances, stop: { grace: "100ms" } }],
  });
  await up;
  const took = performance.now() - begun;
  events.close();
  return took;
}

async function crash(name, pid) {
  const events = await follow();
  const begun = performance.now();
  const up = events.until(
    (event) => event.type === "instance.changed" && event.app === name && event.state.status === "running",
    1,
  );
  process.kill(pid, "SIGKILL");
  await up;
  const took = performance.now() - begun;
  events.close();
  return took;
}

/** The stream of events from now on. */
function follow() {
  return new Promise((resolve, reject) => {
    const watchers = new Set();
    const call = request({ socketPath, path: "/v1/events?follow=true&tail=0" }, (response) => {
      let rest = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop();
        for (const line of lines) if (line !== "") for (const watch of watchers) watch(JSON.parse(line));
      });
      response.on("error", () => {});
      // Headers are sent with the first look of the server; a moment later the stream is live.
      setTimeout(
        () =>
          resolve({
            close: () => call.destroy(),
            until: (matches, count) =>
              new Promise((done) => {
                let left = count;
                watchers.add((event) => matches(event) && (left -= 1) === 0 && done());
              }),
          }),
        20,
      );
    });
    call.on("error", reject);
    call.end();
  });
}

/** The first instance once all are running. */
async function running(name, count) {
  for (;;) {
    const { instances } = await call("GET", `/v1/instances?app=${name}`);
    const up = instances.filter(({ state }) => state.status === "running");
    if (up.length === count) return up[0].state;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const req = request(
      { socketPath, method, path, agent, headers: { "content-type": "application/json" } },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () => (response.statusCode < 400 ? resolve(JSON.parse(text)) : reject(new Error(text))));
      },
    );
    req.on("error", reject);
    req.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function residentMegabytes(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
}
