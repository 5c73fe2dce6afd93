// How soon the worker processes of a pool are gone after their parent was killed: some wait, some compute.
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { median } from "./figures.js";

const longestMs = 10_000;

export async function benchOrphans({ rounds }) {
  const tookMs = [];
  for (let round = 0; round < rounds; round += 1) {
    const parent = fork(fileURLToPath(new URL("orphan-parent.js", import.meta.url)));
    const [pids] = await once(parent, "message");
    const startMs = performance.now();
    parent.kill("SIGKILL");
    while (pids.some(isRunning)) {
      if (performance.now() - startMs > longestMs) throw new Error(`workers ${pids.join(", ")} stay after 10 s`);
      await sleep(1);
    }
    tookMs.push(performance.now() - startMs);
  }
  const one = (value) => Number(value.toFixed(1));
  return { workers: 4, goneP50Ms: one(median(tookMs)), goneWorstMs: one(Math.max(...tookMs)), count: rounds };
}

function isRunning(pid) {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
