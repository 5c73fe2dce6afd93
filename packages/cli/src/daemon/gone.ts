import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ConstellationError } from "@constellation/sdk";

const pollMs = 20;
const maxMs = 30_000;

/**
 * Waits until a daemon that was asked to stop has ended.
 *
 * @throws ConstellationError `call.timeout`, `call.cancelled`
 */
export async function daemonIsGone(socketPath: string, pid: number, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + maxMs;
  while (isAlive(pid)) {
    if (signal.aborted) throw new ConstellationError("call.cancelled", "Waiting for the daemon's end was cancelled");
    if (Date.now() > deadline)
      throw new ConstellationError("call.timeout", `The daemon, pid ${pid} on ${socketPath}, has not ended after 30s`, {
        remedy: `Look into its log; \`kill -9 ${pid}\` loses nothing, instances go on.`,
      });
    await sleep(pollMs);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Ended, and not waited for by its parent: in many a container the first process never does (proc(5), `stat`). */
function isZombie(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}
