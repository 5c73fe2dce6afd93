import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { listPids } from "@constellation/host";
import { expect } from "vitest";

/** Processes that some pool of this process has started and that still run, zombies included. */
export function poolProcesses(): number[] {
  return listPids().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1] === String(process.pid);
    } catch {
      return false;
    }
  });
}

/** Whether a process runs; one that has ended and is not yet waited for does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** What of this process's own could be left: children, ports, threads, descriptors. */
export function owned(): { readonly children: number[]; readonly handles: string[]; readonly descriptors: string[] } {
  const kinds = ["MessagePort", "Worker", "ProcessWrap", "PipeWrap", "ChildProcess"];
  return {
    children: poolProcesses(),
    handles: process
      .getActiveResourcesInfo()
      .filter((kind) => kinds.includes(kind))
      .sort(),
    descriptors: channels(),
  };
}

/** Sockets, pipes and nameless files that this process has open. */
function channels(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const what = readlinkSync(`/proc/self/fd/${fd}`);
      return /^(socket|pipe):|\(deleted\)$/.test(what) ? [what] : [];
    } catch {
      return [];
    }
  });
}

/** Waits until a condition holds; fails with `what` when it does not in time. */
export async function until(holds: () => boolean, what: string, timeoutMs = 15_000): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > untilMs) expect.fail(`waited ${timeoutMs} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
