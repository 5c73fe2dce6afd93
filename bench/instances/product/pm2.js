// PM2 where it does the same thing: a Node-based process manager without isolation and limits. Bench-only peer.
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { sleep } from "./product-daemon.js";

const require = createRequire(import.meta.url);

/** PM2 with a home of its own. Its client knows one home for as long as the process lives: there can be one only. */
export class Pm2 {
  #folder;
  #api;
  #online = [];
  #started = 0;

  /** @throws Error when it is not installed */
  static async open() {
    try {
      require.resolve("pm2");
    } catch {
      throw new Error("not installed: npm install in bench/");
    }
    const peer = new Pm2();
    await peer.#connect();
    return peer;
  }

  async #connect() {
    this.#folder = mkdtempSync("/tmp/csb-pm2-");
    process.env.PM2_HOME = this.#folder;
    process.env.PM2_DISCRETE_MODE = "true";
    this.#api = require("pm2");
    await this.#call("connect");
    const bus = await this.#call("launchBus");
    bus.on("process:event", ({ event }) => event === "online" && this.#online.shift()?.());
  }

  /** @param as behind the names of the rows */
  async starts(rows, rounds, as = "") {
    const starts = [];
    const crashes = [];
    for (let round = -1; round < rounds; round += 1) {
      const name = `one-${(this.#started += 1)}`;
      const begun = performance.now();
      const up = this.#whenOnline();
      await this.#call("start", {
        script: "/bin/sleep",
        args: "1000",
        name,
        interpreter: "none",
        autorestart: true,
      });
      await up;
      const tookMs = performance.now() - begun;
      const [{ pid }] = await this.#call("describe", name);
      const again = this.#whenOnline();
      const crashed = performance.now();
      process.kill(pid, "SIGKILL");
      await again;
      const crashMs = performance.now() - crashed;
      await this.#call("delete", name);
      if (round < 0) continue;
      starts.push(tookMs);
      crashes.push(crashMs);
    }
    rows.add(`PM2: API call -> online, without isolation${as}`, "ms", starts);
    rows.add(`PM2: crash -> online again${as}`, "ms", crashes);
  }

  /** Wall time of its command. */
  list(rows, rounds) {
    const program = join(require.resolve("pm2/package.json"), "../bin/pm2");
    const times = Array.from({ length: rounds }, () => {
      const begun = performance.now();
      execFileSync(process.execPath, [program, "list"], { stdio: "ignore" });
      return performance.now() - begun;
    });
    rows.add("PM2: pm2 list", "ms", times);
  }

  async close() {
    await this.#call("killDaemon").catch(() => undefined);
    this.#api.disconnect();
    await sleep(200);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #whenOnline() {
    return new Promise((resolve) => this.#online.push(resolve));
  }

  #call(name, ...rest) {
    return new Promise((resolve, reject) =>
      this.#api[name](...rest, (error, value) => (error ? reject(error) : resolve(value))),
    );
  }
}
