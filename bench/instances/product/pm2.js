// PM2 where it does the same thing: a Node-based process manager without isolation and limits. Bench-only peer.
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { sleep } from "./product-daemon.js";

const require = createRequire(import.meta.url);

export async function pm2(rows, rounds) {
  let folder;
  try {
    require.resolve("pm2");
  } catch {
    return rows.missing("PM2", "not installed: npm install in bench/");
  }
  folder = mkdtempSync("/tmp/csb-pm2-");
  process.env.PM2_HOME = folder;
  process.env.PM2_DISCRETE_MODE = "true";
  const api = require("pm2");
  const call = (name, ...rest) =>
    new Promise((resolve, reject) => api[name](...rest, (error, value) => (error ? reject(error) : resolve(value))));
  try {
    await call("connect");
    const bus = await call("launchBus");
    const online = [];
    bus.on("process:event", ({ event }) => event === "online" && online.shift()?.());
    const whenOnline = () => new Promise((resolve) => online.push(resolve));
    const starts = [];
    const crashes = [];
    for (let round = -1; round < rounds; round += 1) {
      const begun = performance.now();
      const up = whenOnline();
      await call("start", {
        script: "/bin/sleep",
        args: "1000",
        name: `one-${round + 1}`,
        interpreter: "none",
        autorestart: true,
      });
      await up;
      const tookMs = performance.now() - begun;
      const [{ pid }] = await call("describe", `one-${round + 1}`);
      const again = whenOnline();
      const crashed = performance.now();
      process.kill(pid, "SIGKILL");
      await again;
      const crashMs = performance.now() - crashed;
      await call("delete", `one-${round + 1}`);
      if (round < 0) continue;
      starts.push(tookMs);
      crashes.push(crashMs);
    }
    rows.add("PM2: API call -> online, without isolation", "ms", starts);
    rows.add("PM2: crash -> online again", "ms", crashes);
    await wall(rows, folder, Math.min(5, rounds));
  } finally {
    await call("killDaemon").catch(() => undefined);
    api.disconnect();
    await sleep(200);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function wall(rows, folder, rounds) {
  const program = join(require.resolve("pm2/package.json"), "../bin/pm2");
  const times = Array.from({ length: rounds }, () => {
    const begun = performance.now();
    execFileSync(process.execPath, [program, "list"], { env: { ...process.env, PM2_HOME: folder }, stdio: "ignore" });
    return performance.now() - begun;
  });
  rows.add("PM2: pm2 list", "ms", times);
}
