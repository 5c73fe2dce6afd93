import { type Cgroup, isProcessAlive, type ProcessIdentity, signalProcess } from "@constellation/host";
import { setTimeout as sleep } from "node:timers/promises";
import { identityOf, type PidFile } from "../launch/index.ts";

const patienceMs = 5000;

/** Ends what a killed supervisor left behind: by the control group, by its init, by its main process. Waits until it is gone. */
export async function clearLost(pids: PidFile, cgroup: Cgroup | null): Promise<void> {
  const stamps = killDirectly(pids);
  if (cgroup !== null) await killGroup(cgroup);
  const end = performance.now() + patienceMs;
  while (stamps.some((identity) => isProcessAlive(identity)) && performance.now() < end) await sleep(2);
}

/** Ends what is known of a tree without its supervisor's help: its init, and with it all, or its main process. */
export function killDirectly({ init, main }: PidFile): ProcessIdentity[] {
  const stamps = [init, main].filter((stamp) => stamp !== null).map(identityOf);
  for (const identity of stamps) signalProcess(identity, "SIGKILL");
  return stamps;
}

async function killGroup(cgroup: Cgroup): Promise<void> {
  try {
    await cgroup.kill({ timeoutMs: patienceMs });
  } catch {
    // The group is gone, and so is everything in it.
  }
}
