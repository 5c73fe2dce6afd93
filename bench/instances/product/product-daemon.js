// A daemon of the product with a home of its own, spoken to over its API as every client does.
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runtimeGone, runtimeInMemory } from "./apart.js";
import { cpuLatencyLimitUs } from "../../../packages/host/dist/index.js";
import { daemonFlags, daemonSettings } from "../../../packages/sdk/dist/index.js";

export const cli = fileURLToPath(new URL("../../../packages/cli/dist/constellation.js", import.meta.url));
const program = fileURLToPath(new URL("../../../packages/cli/dist/daemon.js", import.meta.url));
const startTimeoutMs = 20_000;
export const eventTimeoutMs = 60_000;

/** A daemon that keeps processors from sleeping between two starts, and the name of such rows. */
export const keptAwake = {
  environment: { CONSTELLATION_CPU_LATENCY: "0" },
  as: ", processors kept awake",
  /** @throws Error where the machine lets nobody keep them awake */
  check() {
    if (cpuLatencyLimitUs() !== 0) throw new Error("this machine lets its processors sleep all the same");
  },
};

export class ProductDaemon {
  // Short: sockets lie below it.
  folder = mkdtempSync("/tmp/csb-");
  home = join(this.folder, "h");
  environment;
  #agent = new Agent({ keepAlive: true });
  #child = null;

  constructor(environment = {}) {
    // Instances are users of their own: they must be able to read their app's folder.
    chmodSync(this.folder, 0o755);
    runtimeInMemory(join(this.home, "run"));
    const { NODE_EXTRA_CA_CERTS: _, CONSTELLATION_CPU_LATENCY: __, ...present } = process.env;
    this.environment = { ...present, ...daemonSettings, ...environment, CONSTELLATION_HOME: this.home, NO_COLOR: "1" };
  }

  get pid() {
    return this.#child.pid;
  }

  /** Resolves to the time until its socket answers, in ms. */
  async start() {
    const begun = performance.now();
    this.#child = spawn(process.execPath, [...daemonFlags, program], { stdio: "ignore", env: this.environment });
    while (!(await this.#answers())) {
      if (performance.now() - begun > startTimeoutMs) throw new Error("the daemon does not answer");
      await sleep(2);
    }
    return performance.now() - begun;
  }

  async kill() {
    const ended = new Promise((done) => this.#child.once("exit", done));
    this.#child.kill("SIGKILL");
    await ended;
  }

  /** Ends everything and removes the folder. */
  async close() {
    try {
      if (this.#child?.exitCode !== null) return;
      const ended = new Promise((done) => this.#child.once("exit", done));
      await this.call("POST", "/v1/daemon/stop", { instances: true });
      await ended;
    } finally {
      this.#agent.destroy();
      runtimeGone(join(this.home, "run"));
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  call(method, path, body) {
    const bytes = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const type = Buffer.isBuffer(body) ? "application/octet-stream" : "application/json";
    return new Promise((resolve, reject) => {
      const call = request(
        { ...this.#target(path), method, agent: this.#agent, headers: { "content-type": type } },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk) => (text += chunk));
          response.on("end", () => (response.statusCode < 400 ? resolve(JSON.parse(text)) : reject(new Error(text))));
        },
      );
      call.on("error", reject);
      call.end(bytes);
    });
  }

  apply(...apps) {
    return this.call("POST", "/v1/apply", { apps: apps.map((app) => ({ stop: { grace: "100ms" }, ...app })) });
  }

  remove(app) {
    return this.call("DELETE", `/v1/apps/${app}`);
  }

  async pids(app) {
    const { instances } = await this.call("GET", `/v1/instances?app=${app}`);
    return instances.flatMap(({ state }) => (state.status === "running" ? [state.pid] : []));
  }

  /** Every line of a stream from now on goes to `take`; resolves to how to end it. */
  stream(path, take) {
    return new Promise((resolve, reject) => {
      const call = request({ ...this.#target(path) }, (response) => {
        let rest = "";
        response.setEncoding("utf8").on("data", (chunk) => {
          const lines = (rest + chunk).split("\n");
          rest = lines.pop();
          for (const line of lines) if (line !== "") take(JSON.parse(line));
        });
        response.on("error", () => undefined);
        // The headers come with the stream's first look at the log; a moment later it is live.
        setTimeout(() => resolve(() => call.destroy()), 30);
      });
      call.on("error", reject);
      call.end();
    });
  }

  /** Does `act` and resolves to the time of each of the next `count` events that match, with those events. */
  async until(matches, count, act) {
    const found = [];
    let enough;
    const all = new Promise((resolve) => (enough = resolve));
    const end = await this.stream("/v1/events?follow=true&tail=0", (event) => {
      if (found.length < count && matches(event)) found.push({ event, at: performance.now() });
      if (found.length === count) enough();
    });
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${found.length} of ${count} events came in time`)), eventTimeoutMs);
    });
    try {
      const begun = performance.now();
      await act();
      await Promise.race([all, late]);
      return { begun, found, tookMs: found.at(-1).at - begun };
    } finally {
      clearTimeout(timer);
      end();
    }
  }

  residentBytes() {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"))[1]) * 1024;
  }

  /** CPU time of the daemon so far, in ms. */
  cpuMs() {
    const [user, system] = readFileSync(`/proc/${this.pid}/stat`, "utf8").split(") ")[1].split(" ").slice(11, 13);
    return (Number(user) + Number(system)) * 10;
  }

  #target(path) {
    return { socketPath: join(this.home, "run", "daemon.sock"), path };
  }

  #answers() {
    return new Promise((resolve) => {
      const socket = connect(this.#target("").socketPath, () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
  }
}

/** A daemon for as long as `use` takes. */
export async function withDaemon(environment, use) {
  const daemon = new ProductDaemon(environment);
  try {
    await daemon.start();
    await use(daemon);
  } finally {
    await daemon.close();
  }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Matches an instance of this app that begins to run. */
export const runs = (app) => (event) =>
  event.type === "instance.changed" && event.app === app && event.state.status === "running";
