// How long things take through the whole product.
import { createHash } from "node:crypto";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cli, runs, sleep } from "./product-daemon.js";

const sleeper = (name, more = {}) => ({ name, command: ["/bin/sleep", "1000"], ...more });

/** @param as behind the names of the rows */
export async function oneStart(daemon, rows, rounds, as = "") {
  const starts = [];
  const crashes = [];
  const ways = {};
  for (let round = -2; round < rounds; round += 1) {
    const name = `one-${round + 2}`;
    const { tookMs } = await daemon.until(runs(name), 1, () => daemon.apply(sleeper(name)));
    const [pid] = await daemon.pids(name);
    const { start } = await daemon.call("GET", `/v1/instances/${name}.1`);
    const crash = await daemon.until(runs(name), 1, () => process.kill(pid, "SIGKILL"));
    await daemon.remove(name);
    if (round < 0) continue;
    starts.push(tookMs);
    ways[start] = (ways[start] ?? 0) + 1;
    crashes.push(crash.tookMs);
  }
  const note = Object.entries(ways).map(([way, count]) => `${count} ${way}`);
  rows.add(`API call -> running${as}`, "ms", starts, 5, note.join(", "));
  rows.add(`crash -> running again${as}`, "ms", crashes, 20);
}

export async function hundredStarts(daemon, rows, rounds) {
  const times = [];
  const resident = [];
  for (let round = 0; round < rounds; round += 1) {
    const { tookMs } = await daemon.until(runs("many"), 100, () => daemon.apply(sleeper("many", { instances: 100 })));
    times.push(tookMs);
    resident.push(daemon.residentBytes() / 1e6);
    if (round < rounds - 1) await daemon.remove("many");
  }
  rows.add("100 instances by one call", "ms", times, 500);
  rows.add("daemon RSS with 100 instances", "MB", resident, 80);
}

/** The script writes the time of its first statement; `node -e 0` runs in the same loop. */
export async function coldScript(daemon, rows, rounds) {
  const text =
    'import { writeFileSync } from "node:fs"; writeFileSync("/data/at", String(performance.timeOrigin + performance.now())); console.log("up"); setInterval(() => {}, 1e6);';
  const bytes = Buffer.from(text);
  const artifact = createHash("sha256").update(bytes).digest("hex");
  await daemon.call("PUT", `/v1/artifacts/${artifact}`, bytes);
  const beyond = [];
  const bare = [];
  for (let round = -1; round < rounds; round += 1) {
    const begunBare = performance.now();
    spawnSync(process.execPath, ["-e", "0"], { env: daemon.environment });
    const bareMs = performance.now() - begunBare;
    const name = `cold-${round + 1}`;
    let begun;
    const app = { name, script: "./cold.mjs", artifact, folder: daemon.folder, warm: false };
    await daemon.until(runs(name), 1, () => {
      begun = performance.timeOrigin + performance.now();
      return daemon.apply(app);
    });
    const file = join(daemon.home, "data", `${name}.1`, "at");
    for (let waited = 0; waited < 5000 && !(existsSync(file) && readFileSync(file, "utf8") !== ""); waited += 5)
      await sleep(5);
    const firstMs = Number(readFileSync(file, "utf8")) - begun;
    await daemon.remove(name);
    if (round < 0) continue;
    bare.push(bareMs);
    beyond.push(firstMs - bareMs);
  }
  rows.add("node -e 0", "ms", bare);
  rows.add("cold Node script's first line beyond node -e 0", "ms", beyond, 10);
}

export async function ps(daemon, rows, rounds) {
  const times = [];
  const bare = [];
  for (let round = -1; round < rounds; round += 1) {
    const begun = performance.now();
    execFileSync(process.execPath, [cli, "ps"], { env: daemon.environment });
    const tookMs = performance.now() - begun;
    const begunBare = performance.now();
    execFileSync(process.execPath, ["-e", "0"], { env: daemon.environment });
    if (round < 0) continue;
    times.push(tookMs);
    bare.push(performance.now() - begunBare);
  }
  rows.add("constellation ps", "ms", times, 120);
  rows.add("node -e 0 in the same loop", "ms", bare);
}

/** `many` must run. Counts from the start of the next daemon until it lists all of them with the pids they had. */
export async function adoption(daemon, rows, rounds) {
  const times = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = new Set(await daemon.pids("many"));
    await daemon.kill();
    const begun = performance.now();
    await daemon.start();
    for (;;) {
      const now = await daemon.pids("many");
      if (now.length === before.size) {
        if (now.some((pid) => !before.has(pid))) throw new Error("an instance was started again instead of adopted");
        break;
      }
      if (performance.now() - begun > 30_000) throw new Error(`${now.length} of ${before.size} were adopted`);
      await sleep(2);
    }
    times.push(performance.now() - begun);
  }
  rows.add("kill -9 of the daemon -> 100 adopted by the next", "ms", times, 1000);
}

export async function outOfMemory(daemon, rows, rounds) {
  const times = [];
  for (let round = 0; round < rounds; round += 1) {
    const name = `bomb-${round}`;
    let goneAt = Infinity;
    const watch = async () => {
      await daemon.apply({
        name,
        command: ["sh", "-c", "sleep 0.5; exec tail /dev/zero"],
        resources: { memory: "32MB" },
        restart: "never",
      });
      let pid;
      for (let tries = 0; tries < 500 && pid === undefined; tries += 1) [pid] = await daemon.pids(name);
      while (isAlive(pid)) await sleep(0);
      goneAt = performance.now();
    };
    const { found } = await daemon.until((event) => event.type === "instance.ended" && event.app === name, 1, watch);
    if (found[0].event.exit.kind !== "oom") throw new Error(`it ended as ${found[0].event.exit.kind}`);
    times.push(Math.max(0, found[0].at - goneAt));
    await daemon.remove(name);
  }
  rows.add("OOM -> reported", "ms", times, 20);
}

function isAlive(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1][0] !== "Z";
  } catch {
    return false;
  }
}
