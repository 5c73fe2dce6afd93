import type { Cgroup } from "@constellation/host";
import { isSupervised, killInstance, readPidFile } from "../launch/index.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { clearLost } from "./clear-lost.ts";
import { removeRunFolder, traceRun } from "./run-folder.ts";

const patienceMs = 5000;

/** Takes back a start that did not succeed, wherever it stood: ends what runs, waits for it, removes all traces. */
export async function abandon(folder: string, cgroup: Cgroup | null, startTimeoutMs: number): Promise<void> {
  const trace = await traceRun(folder, startTimeoutMs, { whenWaiting: "tell" });
  if (trace.kind !== "never-started") await endSupervisor(folder);
  const pids = trace.kind === "never-started" ? null : readPidFile(folder);
  if (pids !== null) await clearLost(pids, cgroup);
  if (cgroup !== null) {
    await cgroup.kill();
    await cgroup.remove();
    cgroup.close();
  }
  await removeRunFolder(folder);
}

/** Ends a supervisor, if one lives in this folder, and everything it keeps. */
export async function endSupervisor(folder: string): Promise<void> {
  const end = performance.now() + patienceMs;
  while (isSupervised(folder) && performance.now() < end) {
    killInstance(folder);
    await sleep(2);
  }
}
