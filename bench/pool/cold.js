// What a hand-over costs without a pool: a new process or thread that imports TypeScript and the module, until it replies.
import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { median, quantile } from "./figures.js";
import { openModules } from "./modules.js";

const typescript = pathToFileURL(createRequire(import.meta.url).resolve("typescript")).href;
const program = new URL("cold-module.js", import.meta.url);

export async function benchCold({ rounds }) {
  const modules = openModules();
  try {
    const start = {
      "node fork, cold": (argv) => fork(fileURLToPath(program), argv),
      "node Worker, cold": (argv) => new Worker(program, { argv }),
    };
    const rows = [];
    for (const [name, open] of Object.entries(start)) {
      const tookMs = [];
      for (let round = 0; round < rounds; round += 1) {
        const startMs = performance.now();
        const started = open([typescript, modules.next()]);
        const ended = once(started, "exit");
        await once(started, "message");
        tookMs.push(performance.now() - startMs);
        await ended;
      }
      rows.push(row(name, tookMs));
    }
    const python = spawnSync("python3", [fileURLToPath(new URL("forkserver.py", import.meta.url))], {
      encoding: "utf8",
      timeout: 60_000,
    });
    if (python.status === 0)
      rows.push(row("Python forkserver with preload, a fresh process", JSON.parse(python.stdout)));
    return rows;
  } finally {
    modules.close();
  }
}

function row(name, tookMs) {
  return {
    name,
    p50Ms: Number(median(tookMs).toFixed(1)),
    p99Ms: Number(quantile(tookMs, 0.99).toFixed(1)),
    count: tookMs.length,
  };
}
