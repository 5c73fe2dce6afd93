import { setTimeout as sleep } from "node:timers/promises";
import { identifyProcess, isProcessAlive } from "@constellation/host";
import { ConstellationError } from "@constellation/sdk";

const pollMs = 20;
const maxMs = 30_000;

/**
 * Waits until a daemon that was asked to stop has ended. A zombie has: in many a container the first process never waits for it.
 *
 * @throws ConstellationError `call.timeout`, `call.cancelled`
 */
export async function daemonIsGone(socketPath: string, pid: number, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + maxMs;
  const daemon = identifyProcess(pid);
  if (daemon === undefined) return;
  while (isProcessAlive(daemon)) {
    if (signal?.aborted === true)
      throw new ConstellationError("call.cancelled", "Waiting for the daemon's end was cancelled");
    if (Date.now() > deadline)
      throw new ConstellationError("call.timeout", `The daemon, pid ${pid} on ${socketPath}, has not ended after 30s`, {
        remedy: `Look into its log; \`kill -9 ${pid}\` loses nothing, instances go on.`,
      });
    await sleep(pollMs);
  }
}
